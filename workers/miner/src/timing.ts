import { setTimeout as wait } from "node:timers/promises";

/** The clock, handed in so that tests own it. */
export interface Timing {
  /** ms since 1970 */
  readonly now: () => number;
  /** Rejects when `signal` is aborted. */
  readonly sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

export const systemTiming: Timing = {
  now: Date.now,
  sleep: (delayMs, signal) => wait(delayMs, undefined, { signal }),
};
