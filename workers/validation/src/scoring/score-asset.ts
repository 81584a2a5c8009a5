/** From an asset's bytes to its score: decode, render, compare with the prompt. */
import { createHash } from "node:crypto";
import {
  AssetError,
  type AssetLimits,
  type Finding,
  type GeometryFingerprint,
  geometryOf,
  lint,
  type ReadAssetOptions,
  readAnySplat,
  readAsset,
  rejectByLint,
  type Splat,
} from "@turntable/splat";
import { readHdf5 } from "@turntable/splat/hdf5";
import {
  createScene,
  orbitCamera,
  type Renderer,
  type RgbImage,
  type Scene,
  type View,
} from "../render/index.ts";
import type { Clip } from "../score/index.ts";
import { type Profile, summarise } from "./profile.ts";
import { type OnStage, startStages } from "./stages.ts";
import { viewsOf } from "./views.ts";

/** What stays loaded between assets. */
export interface Scorer {
  readonly renderer: Renderer;
  readonly clip: Clip;
  readonly limits: AssetLimits;
}

export interface ScoreRequest {
  readonly bytes: Uint8Array;
  /** The SHA-256 of `bytes`, 32 bytes, where the caller has computed it already. */
  readonly assetSha256?: Uint8Array;
  /** An HDF5 of the subnet's `data_ver` 1 and above holds activated values. */
  readonly activated?: boolean;
  /** Takes whatever formats people have, and not only those of the subnet. */
  readonly anyFormat?: boolean;
  readonly prompt: string;
  readonly profile: Profile;
  readonly cameraSeed: bigint;
  readonly signal?: AbortSignal;
  /** Called when a phase begins. */
  readonly onPhase?: (phase: "decode" | "render" | "score") => void;
  /** Called when a stage has ended. */
  readonly onStage?: OnStage;
}

export interface ScoredView extends View {
  /** 0 to 1 */
  readonly probability: number;
}

export interface ScoredAsset {
  /** 0 to 1 */
  readonly score: number;
  readonly views: readonly ScoredView[];
  /** One a view. */
  readonly images: readonly RgbImage[];
  readonly splatCount: number;
  /** What lint found, worst first; the profile did not reject by it. */
  readonly findings: readonly Finding[];
  /** What the object is known again by. */
  readonly geometry: GeometryFingerprint;
  /** 32 bytes */
  readonly assetSha256: Uint8Array;
  readonly decodeMs: number;
  readonly renderMs: number;
  /** From the last picture to the last probability; most of the comparing is done while rendering. */
  readonly scoreMs: number;
}

/** An asset that is decoded and waits to be rendered. */
export interface PreparedAsset {
  readonly scene: Scene;
  /** What lint finds; looked for at the first call. */
  readonly findings: () => readonly Finding[];
  /** What the object is known again by; computed when called. */
  readonly geometry: () => GeometryFingerprint;
  readonly assetSha256: Uint8Array;
  readonly decodeMs: number;
}

/** @throws AssetError when the bytes cannot be scored, which is the fault of whoever made them. */
export async function scoreAsset(scorer: Scorer, request: ScoreRequest): Promise<ScoredAsset> {
  return await scorePrepared(scorer, await prepareAsset(scorer, request), request);
}

/**
 * What needs neither renderer nor model, and may be done while those are busy with another asset.
 * @throws AssetError as `scoreAsset`
 */
export async function prepareAsset(
  { limits }: Pick<Scorer, "limits">,
  request: ScoreRequest,
): Promise<PreparedAsset> {
  const { profile, bytes, activated = false } = request;
  const endStage = startStages(request.onStage);
  request.onPhase?.("decode");
  const splat = await readSplat(request, { limits, activated, readHdf5 });
  const findings = once(() => lint(splat, profile.lintLimits));
  if (profile.lint === "reject") {
    rejectByLint(findings());
  }
  const scene = createScene(splat, profile);
  const assetSha256 = request.assetSha256 ?? createHash("sha256").update(bytes).digest();
  const geometry = (): GeometryFingerprint => geometryOf(splat);
  return { scene, findings, geometry, assetSha256, decodeMs: endStage("decode") };
}

/** What the subnet takes is read as the subnet reads it, also where more is allowed. @throws AssetError */
async function readSplat(
  { bytes, anyFormat = false }: ScoreRequest,
  options: ReadAssetOptions,
): Promise<Splat> {
  try {
    return await readAsset(bytes, options);
  } catch (error) {
    if (anyFormat && error instanceof AssetError) {
      return (await readAnySplat(bytes, options)).splat;
    }
    throw error;
  }
}

export async function scorePrepared(
  { renderer, clip }: Scorer,
  { scene, assetSha256, decodeMs, ...prepared }: PreparedAsset,
  request: Omit<ScoreRequest, "bytes">,
): Promise<ScoredAsset> {
  const { profile, signal } = request;
  const endStage = startStages(request.onStage);
  // Views are compared while others are still being rendered, always in the same order.
  request.onPhase?.("render");
  const views = viewsOf(profile, request.cameraSeed);
  const cameras = views.map((view) => orbitCamera(view, profile));
  // Taking turns on the same cores costs both more than it gives: one after the other is faster there.
  const waitsForLast = renderer.backend === "cpu" && clip.executionProvider === "cpu";
  const scoring = clip.startViews(request.prompt, {
    signal,
    waitsForLast,
    onStage: request.onStage,
  });
  const onView = inOrder((index, image: RgbImage) => scoring.add(index, image));
  const rendering = renderer.render(scene, cameras, profile.background, {
    onView,
    ...(signal === undefined ? {} : { signal }),
  });
  // Lint that only reports has time while others render, and so has the fingerprint.
  const findings = prepared.findings();
  const geometry = prepared.geometry();
  const images = await rendering;
  const renderMs = endStage("render");

  const finishing = scoring.finish();
  request.onPhase?.("score");
  const probabilities = await finishing;
  const scoreMs = endStage("score");
  return {
    score: summarise(profile, probabilities),
    views: views.map((view, index) => ({
      ...view,
      probability: probabilities[index] ?? Number.NaN,
    })),
    images,
    splatCount: scene.count,
    findings,
    geometry,
    assetSha256,
    decodeMs,
    renderMs,
    scoreMs,
  };
}

/** What `find` gives, which is called once and then let go of with all that it holds. */
function once<T>(find: () => T): () => T {
  let state: { readonly find: () => T } | { readonly found: T } = { find };
  return () => {
    if ("find" in state) {
      state = { found: state.find() };
    }
    return state.found;
  };
}

/** Passes items on in the order of their indices, from 0, as soon as all before them have come. */
function inOrder<T>(pass: (index: number, item: T) => void): (index: number, item: T) => void {
  const waiting = new Map<number, T>();
  let next = 0;
  return (index, item) => {
    waiting.set(index, item);
    for (let ready = waiting.get(next); ready !== undefined; ready = waiting.get(next)) {
      waiting.delete(next);
      pass(next++, ready);
    }
  };
}
