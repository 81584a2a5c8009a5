/** How long a client waits before it knocks at an endpoint again. */

/** Why a try to connect failed. */
export interface ConnectFailure {
  /** In words, e.g. "HTTP 429 Too Many Requests at the handshake". */
  readonly reason: string;
  /** The endpoint is there and does not want us: a rate limit, a server that is overloaded. */
  readonly isRefusal: boolean;
  /** Seconds that the endpoint asks for; undefined when it names none. */
  readonly retryAfterS: number | undefined;
}

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

/**
 * Why an endpoint did not open a WebSocket, by its HTTP answer.
 * @param retryAfter the header of that name; only a number of seconds counts, not a date
 */
export function refusalOf(
  status: number,
  statusText: string,
  retryAfter: string | undefined,
): ConnectFailure {
  const seconds = /^\d{1,6}$/.test(retryAfter ?? "") ? Number(retryAfter) : undefined;
  const asked = seconds === undefined ? "" : `, which asks to wait ${seconds} s`;
  const hint =
    status === 429
      ? ": too many requests from this address"
      : status >= 500
        ? ": the endpoint is overloaded or down"
        : status === 401 || status === 403
          ? ": this endpoint does not let us in"
          : ": is this a node's WebSocket?";
  return {
    reason: `HTTP ${status} ${statusText} at the handshake${asked}${hint}`,
    isRefusal: true,
    retryAfterS: seconds,
  };
}
