/** How long a client waits before it knocks at an endpoint again. */

import type { ConnectFailure } from "./connect-failure.ts";

/** ms */
export interface RetryLimits {
  readonly first: number;
  readonly longest: number;
  /** After a refusal at least, so that waiting does not itself keep a rate limit up. */
  readonly afterRefusal: number;
}

export const defaultRetryLimits: RetryLimits = {
  first: 500,
  longest: 60_000,
  afterRefusal: 5_000,
};

/** An endpoint that asks for more than this is taken at its word no further, in ms. */
const longestRetryAfterMs = 600_000;

/**
 * Doubles with each failed try, with jitter, so that a node that comes back is not met by everybody at once.
 * @param attempt 0 for the first retry
 * @param random 0 to 1
 */
export function retryDelayMs(
  attempt: number,
  { isRefusal, retryAfterS = 0 }: Pick<ConnectFailure, "isRefusal" | "retryAfterS">,
  { first, longest, afterRefusal }: RetryLimits,
  random: number,
): number {
  const doubled = (isRefusal ? Math.max(first, afterRefusal) : first) * 2 ** Math.min(attempt, 20);
  const full = Math.min(longest, doubled);
  const asked = Math.min(longestRetryAfterMs, retryAfterS * 1000);
  return Math.max(full / 2 + random * (full / 2), asked);
}
