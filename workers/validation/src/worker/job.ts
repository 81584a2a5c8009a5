/** One try at one job. Expected endings are values; what to do with each is up to the loop. */
import { createHash } from "node:crypto";
import {
  AssetGoneError,
  JobWithdrawnError,
  QueueUnavailableError,
  type TakenJob,
} from "@turntable/bus";
import { JobClass, type RenderScoreJob, type ScoreReport } from "@turntable/proto";
import { AssetError, type GeometryFingerprint } from "@turntable/splat";
import { DeviceError } from "../gpu/index.ts";
import { encodeQuarters } from "../pictures/index.ts";
import {
  createReport,
  type PreparedAsset,
  type Profile,
  ProfileError,
  prepareAsset,
  type ScoreRequest,
  type Scorer,
  scorePrepared,
  stageSpans,
  startStages,
} from "../scoring/index.ts";

export type JobOutcome =
  | {
      readonly kind: "scored";
      readonly report: ScoreReport;
      readonly geometry: GeometryFingerprint;
      /** A JPEG, where the job asks for one and the asset is accepted. */
      readonly picture: Uint8Array | undefined;
    }
  /** The miner's doing. */
  | { readonly kind: "invalidAsset"; readonly code: string; readonly message: string }
  /** Ours, and may go away with another try; `suspect` when this very process may be what is wrong. */
  | { readonly kind: "retryable"; readonly error: Error; readonly suspect: boolean }
  /** No try can help: the asset is gone. */
  | { readonly kind: "hopeless"; readonly error: Error }
  /** Nobody wants it any more, and its asset is gone. */
  | { readonly kind: "withdrawn" }
  /** The job is no longer ours: another worker has it. */
  | { readonly kind: "lost" };

export interface JobContext {
  readonly scorer: Scorer;
  /** A scoring profile by its name; throws ProfileError when there is none. */
  readonly profile: (name: string) => Promise<Profile>;
  readonly workerId: string;
  /** Aborted when a job in work can no longer be finished in time: it is handed back. */
  readonly giveUp: AbortSignal;
}

/** A job whose asset is here and decoded, or has ended before that. */
export interface PreparedJob {
  readonly taken: TakenJob;
  readonly prepareMs: number;
  readonly state:
    | {
        readonly kind: "ready";
        readonly request: Omit<ScoreRequest, "bytes">;
        readonly asset: PreparedAsset;
        readonly fetchMs: number;
      }
    | { readonly kind: "ended"; readonly outcome: JobOutcome };
}

/**
 * Fetches and decodes, which needs neither renderer nor model. Each stage becomes a span below the active one.
 * @param onFetched waited for between the two; that is no part of the duration
 */
export async function prepareJob(
  taken: TakenJob,
  context: JobContext,
  onFetched: () => Promise<void>,
): Promise<PreparedJob> {
  const { job } = taken;
  const startedAt = performance.now();
  let waitedMs = 0;
  const onStage = stageSpans();
  const endStage = startStages(onStage);
  const prepared = (state: PreparedJob["state"]): PreparedJob => ({
    ...{ taken, state },
    prepareMs: performance.now() - startedAt - waitedMs,
  });
  try {
    const profile = await context.profile(job.profile);
    const bytes = await unlessAborted(taken.fetchAsset(), context.giveUp);
    const fetchMs = endStage("fetch");
    checkHash(job, bytes);
    const fetchedAt = performance.now();
    await onFetched();
    waitedMs = performance.now() - fetchedAt;
    const request = {
      ...{ prompt: job.prompt, profile, cameraSeed: job.cameraSeed, onStage },
      assetSha256: job.assetSha256, // as it was just checked
      activated: (job.encoding?.version ?? 0) >= 1,
      anyFormat: job.class === JobClass.SCORING,
      signal: AbortSignal.any([taken.signal, context.giveUp]),
    };
    const asset = await prepareAsset(context.scorer, { ...request, bytes });
    return prepared({ kind: "ready", request, asset, fetchMs });
  } catch (error) {
    return prepared({ kind: "ended", outcome: outcomeOf(error, taken, context) });
  }
}

export async function runJob(
  { taken, prepareMs, state }: PreparedJob,
  context: JobContext,
  { onBegun, onScoring }: { onBegun(): void; onScoring(): void },
): Promise<JobOutcome> {
  if (state.kind === "ended") {
    return state.outcome;
  }
  const { request, asset, fetchMs } = state;
  const startedAt = performance.now();
  onBegun();
  try {
    const onPhase: ScoreRequest["onPhase"] = (phase) => {
      if (phase === "score") {
        onScoring();
      }
    };
    const scored = await scorePrepared(context.scorer, asset, { ...request, onPhase });
    if (!Number.isFinite(scored.score)) {
      throw new Error(`the score came out as ${scored.score}`);
    }
    const totalMs = prepareMs + performance.now() - startedAt;
    const { jobId, taskId, submissionId } = taken.job;
    const report = createReport(scored, request, context.scorer, {
      jobId,
      taskId,
      submissionId,
      acceptance: taken.job.acceptance,
      workerId: context.workerId,
      timings: { fetchMs, totalMs },
    });
    const { picturePx } = taken.job;
    const isShown = picturePx > 0 && report.score >= report.acceptance;
    const picture = isShown ? await encodeQuarters(scored.images, picturePx) : undefined;
    context.scorer.renderer.recycle?.(scored.images);
    return { kind: "scored", report, geometry: scored.geometry, picture };
  } catch (error) {
    return outcomeOf(error, taken, context);
  }
}

function outcomeOf(error: unknown, taken: TakenJob, { giveUp }: JobContext): JobOutcome {
  if (error instanceof JobWithdrawnError) {
    return { kind: "withdrawn" };
  }
  if (taken.signal.aborted) {
    return { kind: "lost" };
  }
  if (error instanceof AssetError) {
    return { kind: "invalidAsset", code: error.code, message: error.message };
  }
  const fault = error instanceof Error ? error : new Error(String(error));
  if (fault instanceof AssetGoneError) {
    return { kind: "hopeless", error: fault };
  }
  // A worker of a newer version may know the profile, one with a larger device may draw the asset.
  const isElsewhere =
    fault instanceof QueueUnavailableError ||
    fault instanceof ProfileError ||
    (fault instanceof DeviceError && fault.code === "too-large");
  return { kind: "retryable", error: fault, suspect: !isElsewhere && !giveUp.aborted };
}

/** Rejects as soon as `signal` is aborted: what is waited for may take long. */
function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const abort = (): void => reject(new Error("given up"));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) {
    abort();
  }
  work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  return promise;
}

/** Bytes that changed on the way are our fault, never the miner's. */
function checkHash(job: RenderScoreJob, bytes: Uint8Array): void {
  const sha256 = createHash("sha256").update(bytes).digest();
  if (!sha256.equals(job.assetSha256)) {
    throw new Error(
      `the asset's SHA-256 is ${sha256.toString("hex")}, not ${Buffer.from(job.assetSha256).toString("hex")}`,
    );
  }
}
