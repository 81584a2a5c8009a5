/**
 * The job queue within one process: for the local subnet, for tests, and for a coordinator with a worker of its own.
 * It keeps the invariants of `contract.ts` with these differences: nothing outlives the process (Q1; the coordinator
 * dispatches again what has no verdict), a job cannot lose its worker (Q5; both live and die together), and every
 * asset stays inline (Q7), and a job whose only free workers it excludes waits until it is withdrawn (Q10).
 */
import { create } from "@bufbuild/protobuf";
import { type Context, context } from "@opentelemetry/api";
import type { RenderScoreJob } from "@turntable/proto";
import { FaultCause, RenderScoreResultSchema } from "@turntable/proto";
import type { Clock } from "../clock.ts";
import { systemClock } from "../clock.ts";
import type {
  DeadLetter,
  JobClassName,
  JobQueue,
  JobQueueOptions,
  JobSource,
  TakenJob,
  WorkerState,
} from "../contract.ts";
import {
  deduplicationWindowMs,
  defaultJobQueueOptions,
  JobNotOursError,
  jobClassNames,
  QueueUnavailableError,
} from "../contract.ts";
import { createDrainSwitch, type DrainSwitch, workerStateOf } from "../drain.ts";
import { dispatchId, parseQueueableJob, replicaId } from "../job-identity.ts";
import { createRecentIds } from "./recent-ids.ts";
import { createResultLine } from "./result-line.ts";

export interface InProcessQueueOptions extends Partial<JobQueueOptions> {
  readonly clock?: Clock;
}

export interface InProcessQueue {
  readonly queue: JobQueue;
  /** A worker's side; one for each worker. It takes jobs of every class when none are named. */
  source(workerId?: string, jobClasses?: readonly JobClassName[]): JobSource;
}

/** A job from its submission to its end. Its assets' bytes are shared with whoever submitted it. */
interface Entry {
  readonly job: RenderScoreJob;
  readonly asset: Uint8Array;
  readonly jobClass: JobClassName;
  readonly trace: Context;
  /** Tells two entries of one job apart. */
  readonly sequence: number;
  /** How often it was given out. */
  attempts: number;
}

/** A worker's side of the queue. */
interface Side {
  readonly workerId: string;
  readonly jobClasses: readonly JobClassName[];
  readonly drain: DrainSwitch;
  readonly inWork: Set<Promise<void>>;
  hasAsked: boolean;
}

interface Taker {
  readonly side: Side;
  readonly isBusy: () => boolean;
}

/** Jobs ready to be given out: those that come back go first, as in JetStream. */
interface Line {
  readonly returned: Set<Entry>;
  readonly fresh: Set<Entry>;
}

export function createInProcessQueue(options: InProcessQueueOptions = {}): InProcessQueue {
  const { ackWaitMs, maxDeliver, deadLetterKeepMs } = { ...defaultJobQueueOptions, ...options };
  const clock = options.clock ?? systemClock;
  const lines: Readonly<Record<JobClassName, Line>> = {
    organic: { returned: new Set(), fresh: new Set() },
    scoring: { returned: new Set(), fresh: new Set() },
    synthetic: { returned: new Set(), fresh: new Set() },
  };
  const depth: Record<JobClassName, number> = { organic: 0, scoring: 0, synthetic: 0 };
  /** Those that are not disposed. */
  const sides = new Set<Side>();
  /** Who waits for a job. */
  const takers = new Map<(entry: Entry) => void, Taker>();
  /** Jobs that come back after a delay, each with what ends the waiting. */
  const returning = new Map<Entry, () => void>();
  const deadLetters = new Map<string, DeadLetter & { readonly entry: Entry }>();
  const submitted = createRecentIds(deduplicationWindowMs, clock);
  const published = createRecentIds(deduplicationWindowMs, clock);
  const results = createResultLine(ackWaitMs, clock);
  let lastSequence = 0;
  let isClosed = false;

  const queue: JobQueue = {
    async submit(job, { dispatch = 0 } = {}) {
      if (isClosed) {
        throw new QueueUnavailableError("the queue is shut down");
      }
      const { jobClass, asset } = parseQueueableJob(job);
      if (submitted.add(dispatchId(job, dispatch))) {
        enqueue({ job: { ...job }, asset, jobClass, trace: context.active() }); // Q9
      }
    },
    async withdraw(jobId) {
      const waiting = jobClassNames.flatMap((name) => [lines[name].returned, lines[name].fresh]);
      for (const places of [...waiting, returning]) {
        for (const entry of [...places.keys()].filter(({ job }) => job.jobId === jobId)) {
          returning.get(entry)?.();
          places.delete(entry);
          depth[entry.jobClass] -= 1;
        }
      }
    },
    results: (signal) => results.deliveries(signal),
    async countDeadLetters() {
      forgetOldLetters();
      return deadLetters.size;
    },
    async listDeadLetters() {
      forgetOldLetters();
      return [...deadLetters.values()].map(({ entry: _, ...letter }) => letter);
    },
    async replayDeadLetter(jobId) {
      forgetOldLetters();
      const ofJob = [...deadLetters].filter(([, { job }]) => job.jobId === jobId);
      for (const [id, { entry }] of ofJob) {
        deadLetters.delete(id);
        enqueue(entry);
      }
      return ofJob.length > 0;
    },
    incarnation: async () => "in process",
    async depth() {
      return { ...depth };
    },
    async workers() {
      const found = new Map([...sides].map((side) => [side.workerId, stateOf(side)]));
      return [...found].map(([id, state]) => ({ id, state }));
    },
    async setDraining(workerId, draining) {
      const named = [...sides].filter((side) => side.workerId === workerId);
      for (const { drain } of named) {
        drain.set(draining);
      }
      giveOut();
      return named.map(stateOf)[0];
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      await results[Symbol.asyncDispose]();
      for (const cancel of returning.values()) {
        cancel();
      }
    },
  };
  return { queue, source };

  function enqueue(what: Pick<Entry, "job" | "asset" | "jobClass" | "trace">): void {
    lastSequence += 1;
    depth[what.jobClass] += 1;
    const { job, asset, jobClass, trace } = what;
    const entry = { job, asset, jobClass, trace, sequence: lastSequence, attempts: 0 };
    lines[jobClass].fresh.add(entry);
    giveOut();
  }

  function giveOut(): void {
    const idleFirst = [...takers].sort(([, a], [, b]) => Number(a.isBusy()) - Number(b.isBusy()));
    for (const [taker, { side }] of idleFirst) {
      const entry = side.drain.isOn() ? undefined : nextEntry(side);
      if (entry === undefined) {
        continue;
      }
      takers.delete(taker);
      entry.attempts += 1;
      taker(entry);
    }
  }

  function nextEntry({ workerId, jobClasses }: Side): Entry | undefined {
    // Q4: the names are in the order in which to ask.
    const names = jobClassNames.filter((name) => jobClasses.includes(name));
    for (const line of names.map((name) => lines[name])) {
      for (const entries of [line.returned, line.fresh]) {
        for (const entry of entries) {
          if (entry.job.excludedWorkerIds.includes(workerId)) {
            continue; // Q10; whoever queued it may withdraw it
          }
          entries.delete(entry);
          if (entry.attempts < maxDeliver) {
            return entry;
          }
          const reason = `given out ${entry.attempts} times without a result`;
          giveUp(entry, reason, FaultCause.TRIES);
        }
      }
    }
    return undefined;
  }

  function giveUp(entry: Entry, reason: string, cause: FaultCause): void {
    const { job, attempts } = entry;
    depth[entry.jobClass] -= 1;
    const at = new Date(clock.now());
    deadLetters.delete(replicaId(job)); // so that the letters stay in the order of their writing
    if (job.expendable) {
      publishFault(entry, reason, cause);
      return;
    }
    deadLetters.set(replicaId(job), {
      job: { ...job, asset: { case: undefined } },
      reason,
      cause,
      attempts,
      at,
      entry,
    });
    publishFault(entry, reason, cause);
  }

  /** They are in the order of their writing. */
  function forgetOldLetters(): void {
    for (const [id, { at }] of deadLetters) {
      if (at.getTime() + deadLetterKeepMs > clock.now()) {
        return;
      }
      deadLetters.delete(id);
    }
  }

  function publishFault(entry: Entry, reason: string, cause: FaultCause): void {
    const { job, attempts } = entry;
    const fault = create(RenderScoreResultSchema, {
      jobId: job.jobId,
      submissionId: job.submissionId,
      replica: job.replica,
      attempt: attempts,
      outcome: { case: "systemFault", value: { message: reason, cause } },
    });
    // Not under the result's own id: the result of a replay must not look like a double of this one.
    if (published.add(`${replicaId(job)}.fault.${entry.sequence}`)) {
      results.push(fault, entry.trace);
    }
  }

  function source(workerId = "in process", jobClasses = jobClassNames): JobSource {
    const closing = new AbortController();
    const inWork = new Set<Promise<void>>();
    const drain = createDrainSwitch();
    const side: Side = { workerId, jobClasses, drain, inWork, hasAsked: false };
    sides.add(side);
    return {
      take(signal, { busyUntil } = {}) {
        side.hasAsked = true;
        const { promise, resolve } = Promise.withResolvers<TakenJob | undefined>();
        if (signal.aborted || closing.signal.aborted) {
          return Promise.resolve(undefined);
        }
        const stop = () => finish(undefined);
        const taker = (entry: Entry) => {
          const settled = Promise.withResolvers<void>();
          inWork.add(settled.promise);
          finish(
            takenJob(entry, () => {
              inWork.delete(settled.promise);
              settled.resolve();
            }),
          );
        };
        const finish = (taken: TakenJob | undefined) => {
          takers.delete(taker);
          signal.removeEventListener("abort", stop);
          closing.signal.removeEventListener("abort", stop);
          resolve(taken);
        };
        signal.addEventListener("abort", stop);
        closing.signal.addEventListener("abort", stop);
        takers.set(taker, { side, isBusy: () => busyUntil?.aborted === false });
        giveOut();
        return promise;
      },
      async [Symbol.asyncDispose]() {
        closing.abort();
        await Promise.all(inWork);
        sides.delete(side);
      },
    };
  }

  function stateOf({ drain, hasAsked, inWork }: Side): WorkerState {
    return workerStateOf(drain.isOn(), hasAsked, inWork.size);
  }

  function takenJob(entry: Entry, onSettled: () => void): TakenJob {
    let isSettled = false;
    const settle = () => {
      if (isSettled) {
        throw new JobNotOursError(`job ${entry.job.jobId} was settled before`);
      }
      isSettled = true;
      onSettled();
    };
    return {
      job: entry.job,
      attempt: entry.attempts,
      trace: entry.trace,
      signal: new AbortController().signal,
      // A copy: a worker may move the bytes to another thread, and a later attempt needs them again.
      fetchAsset: async () => new Uint8Array(entry.asset),
      async complete(result) {
        settle();
        if (published.add(replicaId(entry.job))) {
          results.push(result, context.active()); // Q9
        }
        depth[entry.jobClass] -= 1;
      },
      async handBack(delayMs, { begun = true } = {}) {
        settle();
        entry.attempts -= begun ? 0 : 1;
        const cancel = clock.after(delayMs, () => {
          returning.delete(entry);
          lines[entry.jobClass].returned.add(entry);
          giveOut();
        });
        returning.set(entry, cancel);
      },
      async terminate(reason) {
        settle();
        giveUp(entry, reason, FaultCause.HOPELESS);
      },
    };
  }
}
