/**
 * What scoring an asset costs: 36 views of `sn17-seed` and a CLIP of the true size, against the bare model on as many
 * pictures that are ready, and against the subnet's original algorithm (all views are rendered, by our renderer, then
 * both towers run for every view, the seven texts padded to the longest). Ratios are medians of rounds in which all
 * take their turn; those of processor time tell more on a machine that does other things as well.
 *
 * `npm run bench:score [-- ASSET]`; without an asset hamburger.ply of the vectors, or a made scene of 50,000 splats; then
 * the same for a large asset. Exits with 1 when a bar is missed. Its models are random; their scores mean nothing.
 */
import { randomFillSync } from "node:crypto";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { defaultAssetLimits, readAsset } from "@turntable/splat";
import {
  createScene,
  defaultProfile,
  loadClip,
  loadProfile,
  negatives,
  orbitCamera,
  readTokenizer,
  type Scorer,
  scoreAsset,
  startCpuRenderer,
  viewsOf,
} from "@turntable/validation";
import { createCrop, createPixelWriter, parsePreprocessing } from "@turntable/validation/internal";
import { loadGraph } from "@turntable/validation/internal/onnx";
import { type BenchAsset, largeAsset, mainAsset } from "./assets.ts";
import { type Cost, costOf, median } from "./cost.ts";
import { benchModel, benchPrompt } from "./model.ts";

const bars = {
  ofBareModel: 1.22,
  int8OfBareModel: 1.4,
  fasterThanOriginal: 1.8,
};
const rounds = 7;
const views = 36;
const bareBatch = 12;
const pixelsOfView = 3 * 224 * 224;
const threads = availableParallelism();
const onCpu = { executionProvider: "cpu", threads } as const;

await compare();

async function compare(): Promise<void> {
  const fp32 = await benchModel("vit-b-32");
  const int8 = await benchModel("vit-b-32-int8");
  await using renderer = await startCpuRenderer(threads);
  await using clip = await loadClip(fp32, { threads });
  await using clip8 = await loadClip(int8, { threads });
  // It hands no pictures back; with the renderer of the others they would pay for that.
  await using ownRenderer = await startCpuRenderer(threads);
  const algorithm = await original(fp32, ownRenderer);
  const bare = { fp32: await bareModel(fp32), int8: await bareModel(int8) };
  const results: boolean[] = [];
  for (const asset of [await mainAsset(process.argv[2]), await largeAsset()]) {
    const scored = (judge: Scorer["clip"]) =>
      score({ renderer, clip: judge, limits: defaultAssetLimits }, asset.bytes);
    const ratio = await ratiosOf(asset, {
      bare: bare.fp32,
      ours: () => scored(clip),
      oursInt8: () => scored(clip8),
      bareInt8: bare.int8,
      original: () => algorithm(asset.bytes),
    });
    // The bars are those of an asset of 50,000 splats; of the large one the figures are printed.
    if (results.length === 0) {
      results.push(
        check("ours / bare model", ratio("ours", "bare"), "<=", bars.ofBareModel),
        check("original / ours", ratio("original", "ours"), ">=", bars.fasterThanOriginal),
        check("ours / bare, int8", ratio("oursInt8", "bareInt8"), "<=", bars.int8OfBareModel),
      );
    }
  }
  if (results.includes(false)) {
    process.exitCode = 1;
  }
}

/** Runs all of them in turn, several times; then the ratio of two is the median of what it was in each round. */
async function ratiosOf(
  { name }: BenchAsset,
  runs: Readonly<Record<string, () => Promise<unknown>>>,
) {
  for (const run of Object.values(runs)) {
    await run();
  }
  const times: Record<string, Cost>[] = [];
  console.log(`\n${name}, ${views} views, ViT-B/32 with random weights, ${threads} threads`);
  for (let round = 0; round < rounds; round++) {
    const row: Record<string, Cost> = {};
    for (const [key, run] of Object.entries(runs)) {
      row[key] = await costOf(run);
    }
    times.push(row);
    const cells = Object.entries(row).map(
      ([key, { wallMs, cpuMs }]) => `${key} ${Math.round(wallMs)} (${Math.round(cpuMs)})`,
    );
    console.log(`${cells.join(", ")} ms (of processor time)`);
  }
  const ratio = (a: string, b: string, of: keyof Cost = "wallMs"): number =>
    median(times.map((row) => (row[a]?.[of] ?? Number.NaN) / (row[b]?.[of] ?? Number.NaN)));
  for (const [a, b] of [
    ["ours", "bare"],
    ["original", "ours"],
    ["oursInt8", "bareInt8"],
    ["ours", "oursInt8"],
    ["original", "oursInt8"],
  ] as const) {
    const cpu = ratio(a, b, "cpuMs").toFixed(2);
    console.log(`     ${a} / ${b}: ${ratio(a, b).toFixed(2)}, of processor time ${cpu}`);
  }
  return ratio;
}

async function score(scorer: Scorer, bytes: Uint8Array): Promise<void> {
  const profile = await loadProfile(defaultProfile);
  const request = { bytes, prompt: benchPrompt, profile, cameraSeed: 0n };
  const { images } = await scoreAsset(scorer, request);
  scorer.renderer.recycle?.(images); // as a worker does
}

/** The vision tower on pixel values that are ready. */
async function bareModel(directory: string): Promise<() => Promise<void>> {
  const graph = await loadGraph(join(directory, "vision_model.onnx"), onCpu);
  const values = randomPixels(bareBatch);
  return async () => {
    for (let done = 0; done < views; done += bareBatch) {
      await graph.run({ pixel_values: { values, shape: [bareBatch, 3, 224, 224] } });
    }
  };
}

async function original(
  directory: string,
  renderer: Scorer["renderer"],
): Promise<(bytes: Uint8Array) => Promise<void>> {
  const vision = await loadGraph(join(directory, "vision_model.onnx"), onCpu);
  const text = await loadGraph(join(directory, "text_model.onnx"), onCpu);
  const tokenizer = await readTokenizer(directory);
  const texts = [...negatives, benchPrompt].map((words) => tokenizer.encode(words));
  const longest = Math.max(...texts.map((ids) => ids.length));
  const ids = new Int32Array(texts.length * longest).fill(tokenizer.endId);
  texts.forEach((row, index) => {
    ids.set(row, index * longest);
  });
  const preprocessing = parsePreprocessing({});
  const crop = createCrop(preprocessing);
  const writePixels = createPixelWriter(preprocessing);
  const profile = await loadProfile(defaultProfile);
  return async (bytes) => {
    const scene = createScene(await readAsset(bytes), profile);
    const cameras = viewsOf(profile, 0n).map((view) => orbitCamera(view, profile));
    for (const image of await renderer.render(scene, cameras, profile.background)) {
      const values = new Float32Array(pixelsOfView);
      writePixels(crop(image), values, 0);
      await vision.run({ pixel_values: { values, shape: [1, 3, 224, 224] } });
      await text.run({ input_ids: { values: ids, shape: [texts.length, longest] } });
    }
  };
}

function randomPixels(count: number): Float32Array {
  const bytes = randomFillSync(new Uint8Array(count * pixelsOfView));
  return Float32Array.from(bytes, (byte) => byte / 64 - 2);
}

function check(what: string, value: number, sign: "<=" | ">=", bar: number): boolean {
  const isMet = sign === "<=" ? value <= bar : value >= bar;
  console.log(`${isMet ? "ok  " : "MISS"} ${what}: ${value.toFixed(2)} (${sign} ${bar})`);
  return isMet;
}
