/**
 * A Web Worker that has one asset: decodes it with the code that validators decode with, and draws it with the
 * rasteriser that they score with. It is ended with the asset, so nothing of one file is left for the next.
 */
import { AssetError, lint, readAnySplat, type Splat, writePly } from "@turntable/splat";
import { readHdf5 } from "@turntable/splat/hdf5";
import {
  createScene,
  type DrawView,
  orbitCamera,
  rasteriserUrl,
  rescalingOf,
  startOneThread,
} from "@turntable/validation/browser";
import type { AssetAnswer, AssetFacts, AssetRequest, DrawOrder } from "./messages.ts";
import { placeOf } from "./place.ts";
import type { ScoringRule } from "./scoring-rule.ts";

/** What is open; each view is drawn by whoever drew the last one, when it was of the same rule and size. */
interface OpenAsset {
  readonly splat: Splat;
  painter: { readonly key: string; readonly draw: DrawView } | undefined;
}

/** TypeScript's library for pages declares a window here. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<AssetRequest>) => void) | null;
  postMessage(answer: AssetAnswer, transferred: Transferable[]): void;
}
const scope = self as unknown as WorkerScope;
let opened: OpenAsset | undefined;
/** One after the other, as they came. */
let last: Promise<void> = Promise.resolve();

scope.onmessage = ({ data }) => {
  last = last.then(async () => {
    try {
      const answer = await answerTo(data);
      scope.postMessage(answer, transferred(answer));
    } catch (error) {
      const answer: AssetAnswer = { kind: "failed", id: data.id, message: wordsOf(error) };
      scope.postMessage(answer, []);
    }
  });
};

async function answerTo(request: AssetRequest): Promise<AssetAnswer> {
  const { id } = request;
  if (request.kind === "open") {
    return { kind: "opened", id, facts: await open(request.bytes, request.name) };
  }
  if (opened === undefined) {
    throw new Error("no asset is open");
  }
  if (request.kind === "ply") {
    return { kind: "ply", id, bytes: writePly(scaledBy(opened.splat, request.rule)) };
  }
  return { kind: "drawn", id, rgba: await draw(opened, request.order) };
}

async function open(bytes: Uint8Array, name: string): Promise<AssetFacts> {
  const format = /\.splat$/i.test(name) ? { format: "splat" } : {};
  const { splat, format: found, notes } = await readAnySplat(bytes, { readHdf5, ...format });
  opened = { splat, painter: undefined };
  return {
    format: found,
    sizeBytes: bytes.length,
    count: splat.count,
    shDegree: splat.shDegree,
    notes,
    findings: lint(splat).map(({ code, severity, message }) => ({ code, severity, message })),
    ...placeOf(splat),
  };
}

/** As the profile scales an asset before it looks. */
function scaledBy(splat: Splat, rule: ScoringRule): Splat {
  const { factor, shift } = rescalingOf(splat, rule.rescaleBox);
  if (factor === 1 && shift === 0) {
    return splat;
  }
  const logit = (opacity: number): number => Math.log(opacity / (1 - opacity));
  return {
    ...splat,
    positions: splat.positions.map((value) => (value - shift) * factor),
    scales: splat.scales.map((value) => value + Math.log(factor)),
    opacities: splat.opacities.map((value) =>
      logit(Math.min(1, 1 / (1 + Math.exp(-value)) / factor)),
    ),
  };
}

let kernel: Promise<Uint8Array> | undefined;

async function draw(asset: OpenAsset, order: DrawOrder): Promise<Uint8ClampedArray<ArrayBuffer>> {
  const { rule, size, background } = order;
  const key = JSON.stringify([rule.rescaleBox, rule.colours, size]);
  if (asset.painter?.key !== key) {
    kernel ??= fetchKernel();
    const scene = createScene(asset.splat, rule);
    asset.painter = { key, draw: startOneThread(await kernel, scene, size) };
  }
  const camera = orbitCamera(order, { size, fovyDeg: rule.fovyDeg });
  const [x, y, z] = order.target;
  const eye = [camera.eye[0] + x, camera.eye[1] + y, camera.eye[2] + z] as const;
  const { pixels } = asset.painter.draw({ ...camera, eye }, background);
  const rgba = new Uint8ClampedArray(size * size * 4).fill(255);
  for (let pixel = 0; pixel < size * size; pixel++) {
    rgba[pixel * 4] = pixels[pixel * 3] ?? 0;
    rgba[pixel * 4 + 1] = pixels[pixel * 3 + 1] ?? 0;
    rgba[pixel * 4 + 2] = pixels[pixel * 3 + 2] ?? 0;
  }
  return rgba;
}

async function fetchKernel(): Promise<Uint8Array> {
  const response = await fetch(rasteriserUrl);
  if (!response.ok) {
    kernel = undefined;
    throw new Error(`the rasteriser could not be loaded: HTTP ${response.status}`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

function transferred(answer: AssetAnswer): Transferable[] {
  switch (answer.kind) {
    case "ply":
      return [answer.bytes.buffer];
    case "drawn":
      return [answer.rgba.buffer];
    default:
      return [];
  }
}

function wordsOf(error: unknown): string {
  if (error instanceof AssetError) {
    return error.message;
  }
  return error instanceof RangeError
    ? "There is not enough memory for it."
    : `It could not be shown: ${error instanceof Error ? error.message : String(error)}`;
}
