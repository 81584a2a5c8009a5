/**
 * When to try again: only what is unavailable, with growing, jittered pauses, as long as patience lasts. Patience
 * counts from the first failure after the last success.
 */
import { CallFailedError } from "./errors.ts";

/** How long and how often to try a server that cannot be reached. */
export interface RetryPolicy {
  /** Pause before the second try, in ms; doubles from try to try; longer where the server asks for that. */
  readonly initialDelayMs: number;
  /** No pause is longer, in ms. */
  readonly maxDelayMs: number;
  /** Gives up when the server was away for this long, in ms; 0 never tries again. */
  readonly patienceMs: number;
  /** The same for a server that has not answered yet, and is more likely misnamed than restarting. */
  readonly connectPatienceMs: number;
}

/** A minute covers the restart of a coordinator. */
export const defaultRetryPolicy: RetryPolicy = {
  initialDelayMs: 200,
  maxDelayMs: 5_000,
  patienceMs: 60_000,
  connectPatienceMs: 10_000,
};

/** One failed try, told before the pause that follows. */
export interface RetryNotice {
  /** What failed. */
  readonly error: CallFailedError;
  /** Which try in a row failed, from 1. */
  readonly attempt: number;
  /** The pause before the next, in ms. */
  readonly delayMs: number;
}

/** Time and chance, handed in so that tests own them. */
export interface Timing {
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
  readonly sleep: (delayMs: number, signal: AbortSignal | undefined) => Promise<void>;
}

export const systemTiming: Timing = {
  now: () => performance.now(),
  random: Math.random,
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", abort);
        resolve();
      }, delayMs);
      signal?.addEventListener("abort", abort, { once: true });
    }),
};

/** Whether the server has ever answered; shared by all operations of a client. */
export interface Contact {
  made: boolean;
}

export interface RetryOptions {
  readonly contact: Contact;
  readonly policy: RetryPolicy;
  readonly timing: Timing;
  readonly onRetry: ((notice: RetryNotice) => void) | undefined;
  readonly signal: AbortSignal | undefined;
  readonly deadline: Date | undefined;
}

export interface Retry {
  /** Something succeeded: patience and pauses start anew. */
  reset(): void;
  /** Pauses before the next try, or throws `error` when there is to be none. */
  pause(error: unknown): Promise<void>;
}

export function createRetry(options: RetryOptions): Retry {
  const { contact, policy, timing, signal, deadline } = options;
  let attempt = 0;
  let failingSince = 0;
  return {
    reset() {
      contact.made = true;
      attempt = 0;
    },
    async pause(error) {
      if (!(error instanceof CallFailedError) || error.code !== "unavailable") {
        throw error;
      }
      const { patienceMs, connectPatienceMs } = policy;
      const now = timing.now();
      if (attempt === 0) {
        failingSince = now;
      }
      const ceiling = Math.min(policy.maxDelayMs, policy.initialDelayMs * 2 ** attempt);
      // Between half and all of it: clients that lost the same server do not come back at the same moment.
      const jitteredMs = ceiling * (0.5 + timing.random() / 2);
      const delayMs = Math.max(jitteredMs, error.retryAfterMs ?? 0);
      attempt++;
      const timeLeftMs = deadline === undefined ? Infinity : deadline.getTime() - Date.now();
      const patience = contact.made ? patienceMs : Math.min(patienceMs, connectPatienceMs);
      if (delayMs >= Math.min(timeLeftMs, patience - (now - failingSince))) {
        throw error;
      }
      options.onRetry?.({ error, attempt, delayMs });
      await timing.sleep(delayMs, signal);
    },
  };
}

/** Runs `call` until it succeeds or is not to be tried again. */
export async function withRetry<T>(options: RetryOptions, call: () => Promise<T>): Promise<T> {
  const retry = createRetry(options);
  for (;;) {
    try {
      const result = await call();
      retry.reset();
      return result;
    } catch (error) {
      await retry.pause(error);
    }
  }
}
