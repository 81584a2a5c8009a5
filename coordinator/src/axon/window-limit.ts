/** So many requests of a caller within a window of time. */
export interface WindowLimit {
  /** Counts a request of the caller's: false when it is one too many, which is not counted. */
  take(caller: string): boolean;
}

/** Callers that are remembered before those of whom nothing is left in the window are forgotten. */
const remembered = 1_000;

/** @param now ms since 1970 UTC */
export function createWindowLimit(
  requests: number,
  windowMs: number,
  now: () => number,
): WindowLimit {
  /** When each caller asked lately. */
  const asked = new Map<string, readonly number[]>();
  return {
    take(caller) {
      const isRecent = (at: number): boolean => now() - at < windowMs;
      const recent = (asked.get(caller) ?? []).filter(isRecent);
      if (recent.length >= requests) {
        return false;
      }
      if (asked.size >= remembered) {
        for (const [other, times] of asked) {
          if (!times.some(isRecent)) {
            asked.delete(other);
          }
        }
      }
      asked.set(caller, [...recent, now()]);
      return true;
    },
  };
}
