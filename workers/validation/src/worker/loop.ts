/**
 * Takes one job after another.
 *
 * L1 A job is acked only after its result was stored; on any fault of ours it is handed back.
 * L2 Faults in a row mean that this process is sick: it hands back, stops taking and reports itself.
 * L3 When told to stop it takes nothing more and finishes what it has begun with.
 * L4 A try is a span of the trace in which the job was submitted; its result is published, and its event told, in that.
 * L5 While the model is busy with one job the next is fetched and decoded: one, never more. It is handed back at once
 *    when the worker is told to stop, and in any case before the loop ends.
 */
import { setImmediate } from "node:timers/promises";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { SpanStatusCode } from "@opentelemetry/api";
import { JobNotOursError, type JobSource, type TakenJob } from "@turntable/bus";
import { inSpan } from "@turntable/process";
import { type RenderScoreResult, RenderScoreResultSchema } from "@turntable/proto";
import { geometryBytes } from "@turntable/splat";
import { type JobContext, type JobOutcome, prepareJob, runJob } from "./job.ts";

export interface JobLoopOptions extends JobContext {
  readonly source: JobSource;
  /** Aborted to stop. */
  readonly signal: AbortSignal;
  readonly onTaken: (taken: TakenJob) => void;
  /** L4 */
  readonly onJob: (event: JobEvent) => void;
}

/** One try at a job, when it has ended. */
export interface JobEvent {
  readonly taken: TakenJob;
  readonly outcome: JobOutcome;
  readonly durationMs: number;
}

/** Before another try, doubled with each. */
const firstRetryMs = 1_000;
const maxRetryMs = 60_000;
/** Faults in a row, L2. */
const sickAfter = 3;

/** Resolves when it was told to stop, rejects when the process is sick. */
export async function runJobLoop(options: JobLoopOptions): Promise<void> {
  let faults = 0;
  let ahead: JobAhead | undefined;
  try {
    while (!options.signal.aborted) {
      const current: JobAhead = ahead ?? takeAhead(options);
      ahead = undefined;
      const outcome = await current.begin(() => {
        ahead = takeAhead(options);
      });
      if (outcome === undefined) {
        return;
      }
      if (outcome.kind !== "retryable" || !outcome.suspect) {
        faults = outcome.kind === "retryable" ? faults : 0;
        continue;
      }
      faults += 1;
      if (faults >= sickAfter) {
        throw new Error(`${faults} jobs in a row failed; the last: ${outcome.error.message}`, {
          cause: outcome.error,
        });
      }
    }
  } finally {
    await ahead?.leave();
  }
}

/** A job that is taken and prepared while another is in work, L5. */
interface JobAhead {
  /**
   * From here on it is the job in work.
   * @param onScoring called when only the model has work left
   * @returns undefined when there is none, or it was handed back
   */
  begin(onScoring: () => void): Promise<JobOutcome | undefined>;
  /** Hands it back, or takes none any more. */
  leave(): Promise<void>;
}

/** What becomes of a job that is prepared. */
type Turn = { readonly onScoring: () => void } | "leave";

function takeAhead(options: JobLoopOptions): JobAhead {
  const left = new AbortController();
  const signal = AbortSignal.any([options.signal, left.signal]);
  const turn = Promise.withResolvers<Turn>();
  let isBegun = false;
  let handedBack: Promise<void> | undefined;
  const outcome = (async () => {
    const taken = await options.source.take(signal);
    if (taken === undefined) {
      return undefined;
    }
    options.onTaken(taken);
    const handBack = (): void => {
      if (isBegun) {
        return;
      }
      // What could not be told comes again by itself.
      handedBack = taken.handBack(0).catch(() => undefined);
      turn.resolve("leave");
    };
    signal.addEventListener("abort", handBack);
    if (signal.aborted) {
      handBack();
    }
    // The pictures of the job in work are on their way to the model first.
    await setImmediate();
    return handedBack === undefined ? await tryJob(taken, options, turn.promise) : undefined;
  })();
  // Whoever begins with it hears of it; until then it is not unhandled.
  outcome.catch(() => undefined);
  return {
    begin(onScoring) {
      isBegun = true;
      turn.resolve({ onScoring });
      return outcome;
    },
    async leave() {
      left.abort();
      await outcome.catch(() => undefined);
      await handedBack;
    },
  };
}

/** L4: prepares a job, and goes on with it when its turn comes. */
function tryJob(
  taken: TakenJob,
  options: JobLoopOptions,
  itsTurn: Promise<Turn>,
): Promise<JobOutcome | undefined> {
  const { job, attempt, trace: parent } = taken;
  const attributes = { job_id: job.jobId, task_id: job.taskId, attempt, profile: job.profile };
  return inSpan("job", { kind: "consumer", parent, attributes }, async (span) => {
    const prepared = await prepareJob(taken, options);
    const turn = await itsTurn;
    if (turn === "leave") {
      span.setAttribute("outcome", "left");
      return undefined;
    }
    const startedAt = performance.now();
    const ended = await runJob(prepared, options, turn.onScoring);
    const outcome = await settle(taken, ended, options.workerId);
    // Without the time that it waited for its turn.
    const durationMs = prepared.prepareMs + performance.now() - startedAt;
    options.onJob({ taken, outcome, durationMs });
    span.setAttribute("outcome", outcome.kind);
    if (outcome.kind === "retryable" || outcome.kind === "hopeless") {
      span.setStatus({ code: SpanStatusCode.ERROR, message: outcome.error.message });
    }
    return outcome;
  });
}

/** Tells the queue. What could not be told means that the job comes again. */
async function settle(taken: TakenJob, outcome: JobOutcome, workerId: string): Promise<JobOutcome> {
  try {
    switch (outcome.kind) {
      case "scored": {
        const value = outcome.report;
        const extras = { geometry: geometryBytes(outcome.geometry), picture: outcome.picture };
        await taken.complete(result(taken, workerId, { case: "scored", value }, extras));
        return outcome;
      }
      case "invalidAsset": {
        const { code, message } = outcome;
        const value = { code, message };
        await taken.complete(result(taken, workerId, { case: "invalidAsset", value }));
        return outcome;
      }
      case "retryable":
        await taken.handBack(retryDelayMs(taken.attempt));
        return outcome;
      case "hopeless":
        await taken.terminate(outcome.error.message);
        return outcome;
      case "lost":
        return outcome;
      default:
        throw new TypeError(`unknown outcome ${String(outcome satisfies never)}`);
    }
  } catch (error) {
    if (error instanceof JobNotOursError) {
      return { kind: "lost" };
    }
    const fault = error instanceof Error ? error : new Error(String(error));
    return { kind: "retryable", error: fault, suspect: false };
  }
}

/** With jitter: jobs that failed together, when a store was away, do not come back together. */
function retryDelayMs(attempt: number): number {
  const full = Math.min(maxRetryMs, firstRetryMs * 2 ** (attempt - 1));
  return full / 2 + Math.random() * (full / 2);
}

/** What a result tells of the asset beside its score. */
type Extras = Readonly<Partial<Record<"geometry" | "picture", Uint8Array | undefined>>>;

function result(
  { job, attempt }: TakenJob,
  workerId: string,
  outcome: NonNullable<MessageInitShape<typeof RenderScoreResultSchema>["outcome"]>,
  { geometry, picture }: Extras = {},
): RenderScoreResult {
  return create(RenderScoreResultSchema, {
    jobId: job.jobId,
    submissionId: job.submissionId,
    replica: job.replica,
    workerId,
    attempt,
    outcome,
    ...(geometry === undefined ? {} : { geometry }),
    ...(picture === undefined ? {} : { picture }),
  });
}
