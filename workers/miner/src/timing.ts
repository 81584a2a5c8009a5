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

/** Wakes those who wait for something to change. */
export interface Bell {
  ring(): void;
  /**
   * Resolves with the next ring, or after `delayMs`; without it, with a ring alone.
   * @throws the signal's reason
   */
  wait(delayMs: number | undefined, signal: AbortSignal): Promise<void>;
}

export function createBell(timing: Timing): Bell {
  let rung = Promise.withResolvers<void>();
  return {
    ring() {
      rung.resolve();
      rung = Promise.withResolvers();
    },
    async wait(delayMs, signal) {
      signal.throwIfAborted();
      const enough = new AbortController();
      const until = AbortSignal.any([signal, enough.signal]);
      try {
        await Promise.race([
          rung.promise,
          delayMs === undefined ? aborted(until) : timing.sleep(delayMs, until),
        ]).catch(() => undefined);
      } finally {
        enough.abort();
      }
      signal.throwIfAborted();
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
