/** Token buckets, one a key, in bounded memory: full ones are not remembered, and beyond the capacity the oldest go. */

export interface TokenBuckets {
  /** Whether the key has a token left. */
  has(key: string): boolean;
  /** Takes tokens that are spent already; the bucket never owes more than it can hold. */
  spend(key: string, tokens: number): void;
  readonly size: number;
}

export interface TokenBucketsOptions {
  readonly perS: number;
  /** The most that a bucket holds. */
  readonly burst: number;
  /** Keys remembered at one time. */
  readonly capacity: number;
  /** ms of a clock that never steps */
  readonly clock: () => number;
}

export function createTokenBuckets(options: TokenBucketsOptions): TokenBuckets {
  const { perS, burst, capacity, clock } = options;
  // What is missing from a full bucket, and when; in the order in which keys were last spent from.
  const spent = new Map<string, { readonly missing: number; readonly atMs: number }>();
  const missingOf = (key: string): number => {
    const entry = spent.get(key);
    if (entry === undefined) {
      return 0;
    }
    return Math.max(0, entry.missing - ((clock() - entry.atMs) / 1000) * perS);
  };
  return {
    has: (key) => missingOf(key) <= burst - 1,
    spend(key, tokens) {
      const missing = Math.min(2 * burst, missingOf(key) + tokens);
      spent.delete(key);
      spent.set(key, { missing, atMs: clock() });
      for (const oldest of spent.keys()) {
        if (spent.size <= capacity && missingOf(oldest) > 0) {
          break;
        }
        spent.delete(oldest);
      }
    },
    get size() {
      return spent.size;
    },
  };
}
