/** Who scores for the validation endpoint: this process, or the pool of workers behind the job queue. */
import { createHash, randomUUID } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { QueueUnavailableError } from "@turntable/bus";
import type { JobCaller } from "@turntable/bus/nats";
import { createWorkQueue, type WorkQueue } from "@turntable/process";
import { JobClass, type RenderScoreJob, RenderScoreJobSchema } from "@turntable/proto";
import { type AssetLimits, readAsset } from "@turntable/splat";
import { readHdf5 } from "@turntable/splat/hdf5";
import { createScene, orbitCamera, type Renderer, type RgbImage } from "../render/index.ts";
import { type Profile, type Scorer, scoreAsset, stageSpans, viewsOf } from "../scoring/index.ts";

export interface AssetToScore {
  readonly bytes: Uint8Array;
  /** An HDF5 of the subnet's `data_ver` 1 and above holds activated values. */
  readonly activated: boolean;
  readonly prompt: string;
  readonly cameraSeed: bigint;
  readonly signal: AbortSignal;
}

export interface Judged {
  /** 0 to 1 */
  readonly score: number;
  /** Pictures of some of the scored views, from `share` 0 to below 1 of the way around. */
  pictures(shares: readonly number[]): Promise<readonly RgbImage[]>;
}

/** @throws AssetError or UnscorableAssetError when the asset cannot be scored; anything else is a fault of ours. */
export type EndpointScorer = (asset: AssetToScore) => Promise<Judged>;

/** Another worker found that the asset cannot be scored, which is the doing of whoever made it. */
export class UnscorableAssetError extends Error {
  override name = "UnscorableAssetError";
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The pool is away or too slow: the caller comes back later. */
export class PoolUnavailableError extends Error {
  override name = "PoolUnavailableError";
  readonly code = "pool-unavailable";
}

const viewAt = (share: number, count: number): number => Math.floor(share * count);

/** One asset at a time, in the order in which they come. */
export function scoreHere(scorer: Scorer, profile: Profile): EndpointScorer {
  const inTurn = createTurns();
  return async (asset) => {
    const { score, images } = await inTurn(
      () => scoreAsset(scorer, { ...asset, profile, onStage: stageSpans() }),
      asset.signal,
    );
    return {
      score,
      pictures: async (shares) =>
        shares.flatMap((share) => images[viewAt(share, images.length)] ?? []),
    };
  };
}

/** A renderer draws one asset at a time. The endpoint's places bound how many wait. */
const createTurns = (): WorkQueue["run"] =>
  createWorkQueue({ concurrency: 1, capacity: Number.POSITIVE_INFINITY }).run;

export interface PoolOptions {
  readonly caller: JobCaller;
  readonly profile: Profile;
  /** How long one asset may take, its wait for a worker included, in ms. */
  readonly timeoutMs: number;
  /** Draws the previews, which do not travel. */
  readonly renderer: Renderer;
  readonly limits: AssetLimits;
}

/** All at once, as many as there are workers; previews in turn. */
export function scoreOverPool({ caller, timeoutMs, ...options }: PoolOptions): EndpointScorer {
  const { profile } = options;
  const inTurn = createTurns();
  return async (asset) => {
    const timeout = AbortSignal.timeout(timeoutMs);
    const { outcome } = await caller
      .call(jobOf(asset, profile, timeoutMs), AbortSignal.any([asset.signal, timeout]))
      .catch((cause: unknown) => {
        const isLate = timeout.aborted && !asset.signal.aborted;
        if (!isLate && !(cause instanceof QueueUnavailableError)) {
          throw cause;
        }
        const why = isLate ? `no worker scored it within ${timeoutMs} ms` : cause;
        throw new PoolUnavailableError(String(why), { cause });
      });
    switch (outcome.case) {
      case "scored":
        return {
          score: outcome.value.score,
          pictures: (shares) => inTurn(() => draw(asset, shares, options), asset.signal),
        };
      case "invalidAsset":
        throw new UnscorableAssetError(outcome.value.code, outcome.value.message);
      case "systemFault":
      case undefined:
        throw new Error(`the pool gave it up: ${outcome.value?.message ?? "no outcome"}`);
      default:
        throw new TypeError(`unknown outcome ${String(outcome satisfies never)}`);
    }
  };
}

function jobOf(asset: AssetToScore, profile: Profile, timeoutMs: number): RenderScoreJob {
  const id = `endpoint-${randomUUID()}`;
  return create(RenderScoreJobSchema, {
    jobId: id,
    taskId: id,
    submissionId: id,
    class: JobClass.ORGANIC,
    profile: profile.name,
    prompt: asset.prompt,
    cameraSeed: asset.cameraSeed,
    encoding: { version: asset.activated ? 1 : 0 },
    assetSha256: createHash("sha256").update(asset.bytes).digest(),
    assetSizeBytes: BigInt(asset.bytes.length),
    asset: { case: "inlineAsset", value: asset.bytes },
    deadline: timestampFromMs(Date.now() + timeoutMs),
  });
}

async function draw(
  { bytes, activated, cameraSeed, signal }: AssetToScore,
  shares: readonly number[],
  { profile, renderer, limits }: Omit<PoolOptions, "caller" | "timeoutMs">,
): Promise<readonly RgbImage[]> {
  const scene = createScene(await readAsset(bytes, { limits, activated, readHdf5 }), profile);
  const views = viewsOf(profile, cameraSeed);
  const cameras = shares.flatMap((share) => {
    const view = views[viewAt(share, views.length)];
    return view === undefined ? [] : [orbitCamera(view, profile)];
  });
  return await renderer.render(scene, cameras, profile.background, { signal });
}
