import { setTimeout as delay } from "node:timers/promises";

/** Between two tries to connect or to set up. */
const firstDelayMs = 50;
const longestDelayMs = 5_000;

/** Doubles, with jitter, so that a restarted server is not met by everybody at once. */
export function backoffMs(attempt: number): number {
  const full = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(attempt, 10));
  return full / 2 + Math.random() * (full / 2);
}

/** Within this time after it was mended, what fails again was not mended. */
const relapseMs = 2 * longestDelayMs;

/** Gives the pause before something is mended: none the first time, longer and longer ones while it soon fails again. */
export function createRelapsePauses(now: () => number): () => number {
  let relapses = 0;
  let failedAt = Number.NEGATIVE_INFINITY;
  return () => {
    relapses = now() - failedAt < relapseMs ? relapses + 1 : 0;
    failedAt = now();
    return relapses === 0 ? 0 : backoffMs(relapses - 1);
  };
}

/** Waits for `ms` or until `signal` is aborted. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

/** Waits until all of `work` has ended, one way or another, but for `ms` at most. */
export async function settledWithin(ms: number, work: Iterable<Promise<unknown>>): Promise<void> {
  const ended = new AbortController();
  void Promise.allSettled(work).then(() => ended.abort());
  await pause(ms, ended.signal);
}

/** Keeps `work` in `set` until it has ended. */
export function track<Result>(set: Set<Promise<Result>>, work: Promise<Result>): Promise<Result> {
  set.add(work);
  return work.finally(() => set.delete(work));
}
