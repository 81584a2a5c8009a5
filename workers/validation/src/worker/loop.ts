/**
 * Takes one job after another.
 *
 * L1 A job is acked only after its result was stored; on any fault of ours it is handed back.
 * L2 Faults in a row mean that this process is sick: it hands back, stops taking and reports itself.
 * L3 When told to stop it takes nothing more and finishes what it has begun with.
 * L4 A try is a span of the trace in which the job was submitted; its result is published, and its event told, in that.
 * L5 While one job is in work the next is fetched, and decoded once the model alone has work left: one, never more. It
 *    goes back at once when the worker is told to stop, when it has waited for too long, and in any case before the loop
 *    ends; that is no try. Workers without a job have the first choice of what is new.
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
  /** When the next asset is fetched: as soon as a job is begun with, or once its pictures are made. */
  readonly fetchAhead: "begun" | "scoring";
  readonly onTaken: (taken: TakenJob) => void;
  /** It was handed back before it was begun with. */
  readonly onLeft: (taken: TakenJob) => void;
  /** A job that has waited for so long behind another, in ms, goes to whoever is free. */
  readonly patienceMs?: number;
  /** L4 */
  readonly onJob: (event: JobEvent) => void;
}

/** One try at a job, when it has ended. */
export interface JobEvent {
  readonly taken: TakenJob;
  readonly outcome: JobOutcome;
  readonly durationMs: number;
  /** How long a worker that was free for it waited until its asset was fetched and decoded. */
  readonly waitMs: number;
  /** How long it waited, fetched and decoded, for the job before it. */
  readonly heldMs: number;
}

/** Before another try, doubled with each. */
const firstRetryMs = 1_000;
const maxRetryMs = 60_000;
/** Faults in a row, L2. */
const sickAfter = 3;
/** A job whose asset is here waits for so long behind another; to fetch it again costs less. */
const defaultPatienceMs = 10_000;

/** Resolves when it was told to stop, rejects when the process is sick. */
export async function runJobLoop(options: JobLoopOptions): Promise<void> {
  let faults = 0;
  let ahead: NextJob | undefined;
  try {
    while (!options.signal.aborted) {
      const current: NextJob = ahead ?? takeNext(options);
      ahead = undefined;
      const outcome = await current.begin({
        onBegun() {
          if (options.fetchAhead === "begun") {
            ahead = takeNext(options);
          }
        },
        onScoring() {
          ahead ??= takeNext(options);
          ahead.decode();
        },
      });
      if (outcome === undefined) {
        return;
      }
      if (outcome === "left") {
        continue;
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

/** A job that is taken and prepared, perhaps while another is in work, L5. */
interface NextJob {
  /** It may be decoded, before its turn. */
  decode(): void;
  /**
   * From here on it is the job in work.
   * @returns `left` when it was handed back before; undefined when there is none
   */
  begin(told: Told): Promise<JobOutcome | "left" | undefined>;
  /** Hands it back, or takes none any more. */
  leave(): Promise<void>;
}

interface Told {
  /** The renderer begins with it. */
  onBegun(): void;
  /** Only the model has work left. */
  onScoring(): void;
}

function takeNext(options: JobLoopOptions): NextJob {
  const left = new AbortController();
  const signal = AbortSignal.any([options.signal, left.signal]);
  const begun = new AbortController();
  const mayDecode = Promise.withResolvers<void>();
  const turn = Promise.withResolvers<Turn>();
  let handedBack: Promise<void> | undefined;
  let patience: NodeJS.Timeout | undefined;
  const outcome = (async () => {
    const taken = await options.source.take(signal, { busyUntil: begun.signal });
    if (taken === undefined) {
      return undefined;
    }
    options.onTaken(taken);
    const handBack = (): void => {
      if (begun.signal.aborted || handedBack !== undefined) {
        return;
      }
      // What could not be told comes again by itself.
      handedBack = taken.handBack(0, { begun: false }).catch(() => undefined);
      options.onLeft(taken);
      mayDecode.reject(new Error("handed back"));
      turn.resolve("left");
    };
    // A signal of several stays in memory for as long as anybody listens to it.
    signal.addEventListener("abort", handBack, { signal: begun.signal });
    if (signal.aborted) {
      handBack();
      return "left";
    }
    const onFetched = async (): Promise<void> => {
      if (!begun.signal.aborted) {
        patience = setTimeout(handBack, options.patienceMs ?? defaultPatienceMs);
      }
      await mayDecode.promise;
      // The pictures of the job in work are on their way to the model first.
      await setImmediate();
    };
    return await tryJob(taken, options, onFetched, turn.promise);
  })();
  // Whoever begins with it hears of it; until then it is not unhandled.
  outcome.catch(() => undefined);
  mayDecode.promise.catch(() => undefined);
  return {
    decode: mayDecode.resolve,
    begin(told) {
      begun.abort();
      clearTimeout(patience);
      mayDecode.resolve();
      turn.resolve({ told, freeAtMs: performance.now() });
      return outcome;
    },
    async leave() {
      left.abort();
      clearTimeout(patience);
      await outcome.catch(() => undefined);
      await handedBack;
    },
  };
}

/** What becomes of a job that is prepared. */
type Turn = { readonly told: Told; readonly freeAtMs: number } | "left";

/** L4: prepares a job, and goes on with it when its turn comes. */
function tryJob(
  taken: TakenJob,
  options: JobLoopOptions,
  onFetched: () => Promise<void>,
  itsTurn: Promise<Turn>,
): Promise<JobOutcome | "left"> {
  const { job, attempt, trace: parent } = taken;
  const attributes = { job_id: job.jobId, task_id: job.taskId, attempt, profile: job.profile };
  return inSpan("job", { kind: "consumer", parent, attributes }, async (span) => {
    const takenAtMs = performance.now();
    const prepared = await prepareJob(taken, options, onFetched);
    const preparedAtMs = performance.now();
    const turn = await itsTurn;
    if (turn === "left") {
      span.setAttribute("outcome", turn);
      return turn;
    }
    const startedAtMs = performance.now();
    const ended = await runJob(prepared, options, turn.told);
    const outcome = await settle(taken, ended, options.workerId);
    options.onJob({
      taken,
      outcome,
      // Without the time that it waited for its turn.
      durationMs: prepared.prepareMs + performance.now() - startedAtMs,
      waitMs: Math.max(0, preparedAtMs - Math.max(turn.freeAtMs, takenAtMs)),
      heldMs: Math.max(0, turn.freeAtMs - preparedAtMs),
    });
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
      case "withdrawn":
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
