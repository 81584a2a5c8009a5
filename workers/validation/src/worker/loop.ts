/**
 * Takes one job after another.
 *
 * L1 A job is acked only after its result was stored; on any fault of ours it is handed back.
 * L2 Faults in a row mean that this process is sick: it hands back, stops taking and reports itself.
 * L3 When told to stop it takes nothing more and finishes what it has.
 * L4 A try is a span of the trace in which the job was submitted; its result is published, and its event told, in that.
 */
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { SpanStatusCode } from "@opentelemetry/api";
import { JobNotOursError, type JobSource, type TakenJob } from "@turntable/bus";
import { inSpan } from "@turntable/process";
import { type RenderScoreResult, RenderScoreResultSchema } from "@turntable/proto";
import { geometryBytes } from "@turntable/splat";
import { type JobContext, type JobOutcome, runJob } from "./job.ts";

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
  while (!options.signal.aborted) {
    const taken = await options.source.take(options.signal);
    if (taken === undefined) return;
    options.onTaken(taken);
    const settled = await tryJob(taken, options);
    if (settled.kind !== "retryable" || !settled.suspect) {
      faults = settled.kind === "retryable" ? faults : 0;
      continue;
    }
    faults += 1;
    if (faults >= sickAfter) {
      throw new Error(`${faults} jobs in a row failed; the last: ${settled.error.message}`, {
        cause: settled.error,
      });
    }
  }
}

/** L4 */
function tryJob(taken: TakenJob, options: JobLoopOptions): Promise<JobOutcome> {
  const { job, attempt, trace: parent } = taken;
  const attributes = { job_id: job.jobId, task_id: job.taskId, attempt, profile: job.profile };
  return inSpan("job", { kind: "consumer", parent, attributes }, async (span) => {
    const startedAt = performance.now();
    const outcome = await settle(taken, await runJob(taken, options), options.workerId);
    options.onJob({ taken, outcome, durationMs: performance.now() - startedAt });
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
        const geometry = geometryBytes(outcome.geometry);
        await taken.complete(result(taken, workerId, { case: "scored", value }, geometry));
        return outcome;
      }
      case "invalidAsset": {
        const { code, message } = outcome;
        const value = { code, message };
        await taken.complete(result(taken, workerId, { case: "invalidAsset", value }));
        return outcome;
      }
      case "retryable":
        await taken.handBack(Math.min(maxRetryMs, firstRetryMs * 2 ** (taken.attempt - 1)));
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
    if (error instanceof JobNotOursError) return { kind: "lost" };
    const fault = error instanceof Error ? error : new Error(String(error));
    return { kind: "retryable", error: fault, suspect: false };
  }
}

function result(
  { job, attempt }: TakenJob,
  workerId: string,
  outcome: NonNullable<MessageInitShape<typeof RenderScoreResultSchema>["outcome"]>,
  geometry = new Uint8Array(),
): RenderScoreResult {
  return create(RenderScoreResultSchema, {
    jobId: job.jobId,
    submissionId: job.submissionId,
    replica: job.replica,
    workerId,
    attempt,
    outcome,
    geometry,
  });
}
