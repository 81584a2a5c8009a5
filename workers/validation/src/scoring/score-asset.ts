/** From an asset's bytes to its score: decode, render, compare with the prompt. */
import { createHash } from "node:crypto";
import {
  type AssetLimits,
  type Finding,
  type GeometryFingerprint,
  geometryOf,
  lint,
  readAsset,
  rejectByLint,
} from "@turntable/splat";
import { readHdf5 } from "@turntable/splat/hdf5";
import {
  createScene,
  orbitCamera,
  type Renderer,
  type RgbImage,
  type View,
} from "../render/index.ts";
import type { Clip } from "../score/index.ts";
import { type Profile, summarise, viewsOf } from "./profile.ts";
import { type OnStage, startStages } from "./stages.ts";

/** What stays loaded between assets. */
export interface Scorer {
  readonly renderer: Renderer;
  readonly clip: Clip;
  readonly limits: AssetLimits;
}

export interface ScoreRequest {
  readonly bytes: Uint8Array;
  /** Of the bytes, 32 bytes, where the caller has computed it already. */
  readonly assetSha256?: Uint8Array;
  /** An HDF5 of the subnet's `data_ver` 1 and above holds activated values. */
  readonly activated?: boolean;
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

/** @throws AssetError when the bytes cannot be scored, which is the fault of whoever made them. */
export async function scoreAsset(scorer: Scorer, request: ScoreRequest): Promise<ScoredAsset> {
  const { profile, signal } = request;
  const { renderer, clip } = scorer;
  const endStage = startStages(request.onStage);
  request.onPhase?.("decode");
  const splat = await readAsset(request.bytes, {
    limits: scorer.limits,
    activated: request.activated ?? false,
    readHdf5,
  });
  const inspect = (): readonly Finding[] => lint(splat, profile.lintLimits);
  const grounds = profile.lint === "reject" ? inspect() : undefined;
  if (grounds !== undefined) rejectByLint(grounds);
  const scene = createScene(splat, profile);
  const decodeMs = endStage("decode");

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
  const findings = grounds ?? inspect();
  const geometry = geometryOf(splat);
  const images = await rendering;
  const renderMs = endStage("render");

  request.onPhase?.("score");
  const probabilities = await scoring.finish();
  const scoreMs = endStage("score");
  return {
    score: summarise(profile, probabilities),
    views: views.map((view, index) => ({
      ...view,
      probability: probabilities[index] ?? Number.NaN,
    })),
    images,
    splatCount: splat.count,
    findings,
    geometry,
    assetSha256: request.assetSha256 ?? createHash("sha256").update(request.bytes).digest(),
    decodeMs,
    renderMs,
    scoreMs,
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
