/**
 * Brings submissions to the workers and their results back.
 *
 * D1 A submission without a verdict is queued until it has one: again after a failed submit, after a restart, and
 *    when the queue no longer holds it (it began anew, or was purged).
 * D2 A submission that cannot be queued for a reason of its own holds up no other; one whose job can never be made (its
 *    asset is gone) is ended.
 * D3 A result is acked only after it was applied and is on disk.
 */

import { type JobQueue, QueueUnavailableError } from "@turntable/bus";
import type { RenderScoreJob, RenderScoreResult } from "@turntable/proto";

/** A submission as far as dispatch cares. */
export interface Dispatchable {
  readonly id: string;
  /** How often it was queued on purpose, less one. */
  readonly dispatch: number;
  readonly traceparent: string | undefined;
}

export interface DispatchOptions<Item extends Dispatchable> {
  readonly queue: JobQueue;
  /** Those without a verdict, oldest first. */
  readonly pending: () => readonly Item[];
  /** Undefined when it can never be made. */
  readonly job: (item: Item) => Promise<RenderScoreJob | undefined>;
  /** Gives an item up whose job can never be made; afterwards it is pending no more. */
  readonly giveUp: (item: Item) => void;
  /** Remembers that an item is queued for the `dispatch`th time. */
  readonly markDispatched: (id: string, dispatch: number) => void;
  /** Applies a result; when it returns, the effect is on disk. */
  readonly onResult: (result: RenderScoreResult) => void;
  /** Something failed and is tried again. */
  readonly onTrouble: (what: string, error: unknown) => void;
  /** ms since some fixed time */
  readonly now: () => number;
}

export interface Dispatch extends AsyncDisposable {
  /** Queues everything that has to be; to be called after a submission and about every second. */
  check(): Promise<void>;
  /** Why nothing can be dispatched now, or undefined. */
  trouble(): string | undefined;
}

/** How long the queue may look empty before a job that waits is taken for lost. */
const lostAfterMs = 10_000;
/** Before a result that could not be applied is given again. */
const retryDelayMs = 1_000;

export function startDispatch<Item extends Dispatchable>(options: DispatchOptions<Item>): Dispatch {
  const { queue } = options;
  /** When each pending job was queued by this process. */
  const queuedAt = new Map<string, number>();
  let emptySince: number | undefined;
  let incarnation: string | undefined;
  let trouble: string | undefined;
  /** Never mended: the process has to be started again. */
  let broken: string | undefined;
  let checking: Promise<void> | undefined;
  let checkAgain = false;
  let stopped = false;

  const submit = async (item: Item, dispatch: number): Promise<void> => {
    const job = await options.job(item);
    if (job === undefined) return options.giveUp(item); // D2
    await queue.submit(job, { dispatch, traceparent: item.traceparent });
    queuedAt.set(item.id, options.now());
  };

  const checkOnce = async (): Promise<void> => {
    const current = await queue.incarnation(); // also with nothing to do: it fails when the queue is away
    if (current !== incarnation) queuedAt.clear();
    incarnation = current;
    const pending = options.pending();
    const ids = new Set(pending.map((item) => item.id));
    for (const id of queuedAt.keys()) if (!ids.has(id)) queuedAt.delete(id);
    for (const item of pending) {
      if (stopped) return;
      if (queuedAt.has(item.id)) continue;
      try {
        await submit(item, item.dispatch);
      } catch (error) {
        if (error instanceof QueueUnavailableError) throw error;
        options.onTrouble(`submission ${item.id} could not be queued`, error); // D2
      }
    }
    await resubmitLost(pending);
    trouble = undefined;
  };

  const resubmitLost = async (pending: readonly Item[]): Promise<void> => {
    const waiting = pending.filter((item) => queuedAt.has(item.id));
    if (waiting.length === 0) {
      emptySince = undefined;
      return;
    }
    const depth = await queue.depth();
    const now = options.now();
    if (depth.organic + depth.synthetic > 0) emptySince = undefined;
    else emptySince ??= now;
    if (emptySince === undefined || now - emptySince < lostAfterMs) return;
    for (const item of waiting) {
      if (stopped || now - (queuedAt.get(item.id) ?? now) < lostAfterMs) continue;
      options.markDispatched(item.id, item.dispatch + 1);
      await submit(item, item.dispatch + 1);
    }
    emptySince = undefined;
  };

  const results = (async () => {
    for await (const delivery of queue.results()) {
      try {
        options.onResult(delivery.result);
        await delivery.ack();
      } catch (error) {
        options.onTrouble("a result could not be applied", error);
        await delivery.nak(retryDelayMs).catch(() => undefined); // it comes again after the ack wait then
      }
    }
  })().catch((error: unknown) => {
    broken = `results are no longer read: ${error instanceof Error ? error.message : String(error)}`;
    options.onTrouble("results stopped", error);
  });

  return {
    check() {
      checkAgain = checking !== undefined;
      checking ??= (async () => {
        do {
          checkAgain = false;
          try {
            await checkOnce();
          } catch (error) {
            trouble = error instanceof Error ? error.message : String(error);
            options.onTrouble("a job could not be queued", error);
          }
        } while (checkAgain && !stopped);
        checking = undefined;
      })();
      return checking;
    },
    trouble: () => broken ?? trouble,
    async [Symbol.asyncDispose]() {
      stopped = true;
      await checking;
      await queue[Symbol.asyncDispose]();
      await results;
    },
  };
}
