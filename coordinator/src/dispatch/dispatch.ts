/**
 * Brings submissions to the workers and their results back.
 *
 * D1 A submission without a verdict is queued until it has one: again after a failed submit, after a restart, and
 *    when the queue no longer holds it (it began anew, or was purged).
 * D2 A submission that cannot be queued for a reason of its own holds up no other. It is tried again, after pauses that
 *    grow, a limited number of times; then, or at once when its job can never be made, it is ended.
 * D3 A result is acked only after it was applied and is on disk, and with who stands by; until then it is given again
 *    and again.
 * D4 What is queued already costs nothing: each look reads only the submissions that are new since the last one.
 * D5 A submission that was cancelled with its task is taken out of the queue where it still waits.
 */

import { type Context, context, ROOT_CONTEXT } from "@opentelemetry/api";
import {
  InvalidJobError,
  type JobQueue,
  QueueUnavailableError,
  type ResultDelivery,
} from "@turntable/bus";
import { inSpan, startLoop } from "@turntable/process";
import type { RenderScoreJob, RenderScoreResult } from "@turntable/proto";

/** A submission as far as dispatch cares. */
export interface Dispatchable {
  readonly id: string;
  /** Its place in the order of arrival, above 0. */
  readonly sequence: number;
  /** The job's dispatch number: 0 at first, one more each time that the queue had lost the job. */
  readonly dispatch: number;
  /** The trace that its job continues. */
  readonly trace: Context;
}

export interface DispatchOptions<Item extends Dispatchable> {
  /** Not disposed by dispatch. */
  readonly queue: JobQueue;
  /**
   * For each source of items, with sequence numbers of its own: those without a verdict that came after the one with
   * the sequence number `after`, oldest first.
   */
  readonly pending: readonly ((after: number, limit: number) => readonly Item[])[];
  /** The item while it has no verdict. */
  readonly stillPending: (id: string) => Item | undefined;
  /** Undefined when it can never be made. */
  readonly job: (item: Item) => Promise<RenderScoreJob | undefined>;
  /** Ends an item that can never be queued, with why; afterwards it is pending no more. */
  readonly fail: (item: Item, reason: string) => void;
  /** Remembers the dispatch number under which an item is about to be queued. */
  readonly markDispatched: (id: string, dispatch: number) => void;
  /** Applies a result, in the trace of the worker that made it; when it returns, the effect is on disk. */
  readonly onResult: (result: RenderScoreResult) => void;
  /** Resolves when the effect may be told, so that the result may be forgotten; it can at once when absent. */
  readonly settled?: (() => Promise<void>) | undefined;
  /** Something failed and is tried again. */
  readonly onTrouble: (what: string, error: unknown) => void;
  /** Tries at queueing an item before it is ended; failures of the queue itself are not counted. 8 when absent. */
  readonly maxTries?: number | undefined;
  /** Jobs can be queued again after they could not. */
  readonly onMended: () => void;
  /** ms since some fixed time */
  readonly now: () => number;
}

export interface Dispatch extends AsyncDisposable {
  /** The submission has ended without a worker (D5). Where its job cannot be taken back, it is done without effect. */
  withdraw(id: string): Promise<void>;
  /** Queues everything that has to be, as happens about every second anyway; to be called after a submission. */
  check(): Promise<void>;
  /**
   * Pending while results are read; rejects when they are no longer and never will be, so that the process has to be
   * started again. Resolves when it is disposed.
   */
  readonly ended: Promise<void>;
  /** Why nothing can be dispatched or applied now; undefined when all is well. */
  notReady(): string | undefined;
}

const checkEveryMs = 1_000;
/** Submissions that are read at once. */
const pageSize = 100;
/** How long the queue may look empty before a job that waits is taken for lost, in ms. */
const lostAfterMs = 10_000;
/** Before a result that could not be applied is given again, in ms. */
const retryDelayMs = 1_000;
/** Before another try at queueing an item that could not be for a reason of its own, doubled with each; in ms. */
const firstPauseMs = 1_000;
const maxPauseMs = 60_000;
/** Tries at queueing an item that fails for a reason of its own: about two minutes of them. */
export const defaultDispatchTries = 8;

/** Queues what is pending and applies the results that come, until it is disposed. */
export function startDispatch<Item extends Dispatchable>(options: DispatchOptions<Item>): Dispatch {
  const { queue, now, maxTries = defaultDispatchTries } = options;
  const stopping = new AbortController();
  /** When each job that waits for its result was queued by this process. */
  const queuedAt = new Map<string, number>();
  /** Those that could not be queued, each with how often that was for a reason of its own (D2). */
  const failed = new Map<string, { readonly tries: number; readonly notBefore: number }>();
  /** Those that were withdrawn during this look, which may have read them before (D5). */
  const withdrawn = new Set<string>();
  /** For each source, the sequence number up to which all are in one of the two, or have their verdict (D4). */
  const seen = options.pending.map(() => 0);
  let incarnation: string | undefined;
  let emptySince: number | undefined;
  /** Why the last look could not queue anything. */
  let unreachable: string | undefined;
  /** Why no results come any more. This is never mended: the process has to be started again. */
  let deaf: string | undefined;

  /** @throws QueueUnavailableError when nothing can be queued now */
  const submit = (item: Item, dispatch = item.dispatch): Promise<void> => {
    const attributes = { job_id: item.id, dispatch };
    return inSpan("dispatch", { kind: "producer", parent: item.trace, attributes }, () =>
      tryToSubmit(item, dispatch),
    );
  };
  const tryToSubmit = async (item: Item, dispatch: number): Promise<void> => {
    const tries = failed.get(item.id)?.tries ?? 0;
    try {
      const job = await options.job(item);
      if (job === undefined) {
        return giveUp(item, "the asset was lost");
      }
      queuedAt.set(item.id, now()); // before its result can come
      await queue.submit(job, { dispatch });
      failed.delete(item.id);
      if (withdrawn.has(item.id)) {
        await withdraw(item.id);
      }
    } catch (error) {
      queuedAt.delete(item.id);
      if (error instanceof QueueUnavailableError) {
        failed.set(item.id, { tries, notBefore: 0 });
        throw error;
      }
      options.onTrouble(`submission ${item.id} could not be queued`, error);
      const pauseMs = Math.min(maxPauseMs, firstPauseMs * 2 ** tries);
      failed.set(item.id, { tries: tries + 1, notBefore: now() + pauseMs });
      if (error instanceof InvalidJobError || tries + 1 >= maxTries) {
        giveUp(item, "it could not be queued for scoring");
      }
    }
  };

  /** D5 */
  const withdraw = async (id: string): Promise<void> => {
    queuedAt.delete(id);
    failed.delete(id);
    withdrawn.add(id);
    await queue.withdraw(id).catch((error: unknown) => {
      options.onTrouble(`job ${id} could not be taken back, and is done in vain`, error);
    });
  };

  /** D2 */
  const giveUp = (item: Item, reason: string): void => {
    options.fail(item, reason);
    failed.delete(item.id);
  };

  const submitNew = async (source: number): Promise<void> => {
    for (;;) {
      const page = options.pending[source]?.(seen[source] ?? 0, pageSize) ?? [];
      for (const item of page) {
        if (stopping.signal.aborted) {
          return;
        }
        seen[source] = item.sequence;
        if (!withdrawn.has(item.id)) {
          await submit(item);
        }
      }
      if (page.length < pageSize) {
        return;
      }
    }
  };

  const submitFailed = async (): Promise<void> => {
    for (const [id, { notBefore }] of [...failed]) {
      if (stopping.signal.aborted) {
        return;
      }
      if (now() < notBefore) {
        continue;
      }
      const item = options.stillPending(id);
      if (item === undefined) {
        failed.delete(id);
      } else {
        await submit(item);
      }
    }
  };

  /** A queue that stays empty while jobs wait for their results has lost them (D1). */
  const submitLost = async (): Promise<void> => {
    if (queuedAt.size === 0) {
      emptySince = undefined;
      return;
    }
    const { organic, scoring, synthetic } = await queue.depth();
    if (organic + scoring + synthetic > 0) {
      emptySince = undefined;
    } else {
      emptySince ??= now();
    }
    if (emptySince === undefined || now() - emptySince < lostAfterMs) {
      return;
    }
    for (const [id, at] of [...queuedAt]) {
      if (stopping.signal.aborted || now() - at < lostAfterMs) {
        continue;
      }
      const item = options.stillPending(id);
      if (item === undefined) {
        queuedAt.delete(id);
        continue;
      }
      options.markDispatched(id, item.dispatch + 1); // under the old number it would pass for a double
      await submit(item, item.dispatch + 1);
    }
    emptySince = undefined;
  };

  const loop = startLoop({
    everyMs: checkEveryMs,
    async run() {
      withdrawn.clear();
      const current = await queue.incarnation(); // also with nothing to do: it fails when the queue is away
      if (current !== incarnation) {
        queuedAt.clear();
        failed.clear();
        seen.fill(0);
      }
      incarnation = current;
      await submitFailed();
      for (const source of seen.keys()) {
        await submitNew(source);
      }
      await submitLost();
      if (unreachable !== undefined) {
        options.onMended();
      }
      unreachable = undefined;
    },
    onTrouble(error) {
      const reason = messageOf(error);
      // Once for as long as it stays the same: it is tried every second.
      if (reason !== unreachable) {
        options.onTrouble("jobs cannot be queued", error);
      }
      unreachable = reason;
    },
  });

  const apply = (delivery: ResultDelivery): Promise<void> => {
    const { result, trace: parent } = delivery;
    const attributes = { job_id: result.jobId };
    return inSpan("result", { kind: "consumer", parent, attributes }, () => tryToApply(delivery));
  };
  const tryToApply = async (delivery: ResultDelivery): Promise<void> => {
    try {
      options.onResult(delivery.result);
      const { submissionId } = delivery.result;
      queuedAt.delete(submissionId);
      await options.settled?.();
      await delivery.ack();
      // It was not enough: the job, another by now, is queued again (D1).
      if (options.stillPending(submissionId) !== undefined) {
        failed.set(submissionId, { tries: 0, notBefore: 0 });
        void loop.runNow();
      }
    } catch (error) {
      options.onTrouble("a result could not be applied", error);
      await delivery.nak(retryDelayMs).catch(() => undefined); // it comes again after the ack wait then
    }
  };
  const results = (async () => {
    for await (const delivery of queue.results(stopping.signal)) {
      await apply(delivery); // D3
    }
  })().catch((error: unknown) => {
    deaf = `results are no longer read: ${messageOf(error)}`;
    options.onTrouble("results stopped", error);
    throw new Error(deaf, { cause: error });
  });
  results.catch(() => undefined); // whoever cares for `ended` is told

  return {
    withdraw,
    // Whoever asks lends its trace to none of the jobs.
    check: () => context.with(ROOT_CONTEXT, () => loop.runNow()),
    ended: results,
    notReady: () => deaf ?? unreachable,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await loop[Symbol.asyncDispose]();
      await results.catch(() => undefined);
    },
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
