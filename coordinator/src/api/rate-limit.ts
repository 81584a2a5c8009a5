/** How often somebody may ask: a window that slides, for each caller its own. */
export interface RateLimit {
  /**
   * Counts one more request.
   * @param now ms since some fixed time
   * @returns 0 when it may be answered; else, uncounted, after how many ms one may
   */
  take(caller: string, now: number): number;
}

export interface RateLimitOptions {
  /** So many in any `perMs`. */
  readonly requests: number;
  readonly perMs: number;
  /** Callers remembered; the one that has been quiet longest is forgotten first. */
  readonly callers: number;
}

/** What the subnet's public API of 2024 allowed a wallet: of requests, and of looks at one task. */
export const walletRates = {
  requests: { requests: 10, perMs: 120_000, callers: 10_000 },
  statusPolls: { requests: 1, perMs: 30_000, callers: 10_000 },
} as const satisfies Record<string, RateLimitOptions>;

/** A limit under which nobody has asked yet. */
export function createRateLimit({ requests, perMs, callers }: RateLimitOptions): RateLimit {
  /** When each caller's latest requests were, oldest first; in the order of the callers' last ones. */
  const seen = new Map<string, readonly number[]>();
  return {
    take(caller, now) {
      const recent = (seen.get(caller) ?? []).filter((at) => at > now - perMs);
      const [first = now] = recent;
      if (recent.length >= requests) {
        return first + perMs - now;
      }
      seen.delete(caller);
      seen.set(caller, [...recent, now]);
      for (const quiet of seen.keys()) {
        if (seen.size <= callers) {
          break;
        }
        seen.delete(quiet);
      }
      return 0;
    },
  };
}
