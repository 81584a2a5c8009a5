/**
 * What rendering costs: the CPU rasteriser on scenes of 50,000 to 300,000 splats from near and far, and on one with the
 * splats of a real large asset; beside it Spark in headless Chromium on the same views, and the image tower of a CLIP of
 * the true size on as many pictures.
 *
 * `npm run bench:render [-- ASSET.ply]`; without an asset hamburger.ply of the vectors, or a made scene of 50,000
 * splats. Exits with 1 when a bar is missed. Ratios are medians of rounds in which all take their turn; those of
 * processor time tell more on a machine that does other things as well.
 */
import { availableParallelism, cpus, loadavg } from "node:os";
import { join } from "node:path";
import { type Splat, writePly } from "@turntable/splat";
import {
  createScene,
  createTestSplat,
  DeviceError,
  defaultProfile,
  loadProfile,
  orbitCamera,
  psnr,
  type Renderer,
  type RgbImage,
  renderReference,
  startCpuRenderer,
  startGlRenderer,
  type View,
  viewsOf,
} from "@turntable/validation";
import { loadGraph } from "@turntable/validation/internal/onnx";
import { type BenchAsset, largeAsset, mainAsset } from "./assets.ts";
import { type Cost, costOf, median } from "./cost.ts";
import { benchModel } from "./model.ts";
import { cpuMsOfTree } from "./render/cpu-time.ts";
import { runSpark, sparkMissing } from "./render/spark.ts";

const bars = {
  twoThreads: 1.85,
  main: { lessThanSpark: 40, ofModel: 0.2 },
  large: { lessThanSpark: 60, ofModel: 0.4 },
};
const projection = { size: 512, fovyDeg: 49.1 };
const white = [1, 1, 1] as const;
const radii = [1.5, 2.5, 5];
const rounds = 4;
/** Rounds in which views on one thread, views on all threads and the model take their turn, to be compared. */
const pairs = 9;
const threads = availableParallelism();
const batch = 12;

type Scene = ReturnType<typeof createScene>;

const main = await mainAsset(process.argv[2]);
const large = await largeAsset();
const scenes: readonly { readonly name: string; readonly splat: Splat }[] = [
  main,
  large,
  ...[50_000, 100_000, 300_000].map((count) => ({
    name: `made scene of ${count / 1000}k`,
    splat: createTestSplat({ count }),
  })),
];
const results: boolean[] = [];
console.log(
  `load average at the start ${loadavg()[0]?.toFixed(1)} on ${threads} cores, ${cpus()[0]?.model}`,
);
await using one = await startCpuRenderer(1);
await using all = await startCpuRenderer(threads);

await table();
for (const [asset, bar] of [
  [main, bars.main],
  [large, bars.large],
] as const) {
  await againstModel(asset, bar.ofModel);
  await againstSpark(asset, bar.lessThanSpark);
}
console.log(`\npeak memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`);
if (results.includes(false)) {
  process.exitCode = 1;
}

async function table(): Promise<void> {
  console.log(
    `512 × 512, a view: CPU ms of 1 thread, ms on 1 thread and on ${threads}; million splat-pixel pairs a CPU second`,
  );
  console.log("scene                     radius        CPU  1 thread    all   pairs/s");
  const speedups: number[] = [];
  for (const { name, splat } of scenes) {
    const scene = createScene(splat);
    for (const radius of radii) {
      const cameras = orbit(radius, 6).map((view) => orbitCamera(view, projection));
      const counts = { pairs: 0 };
      const [first] = cameras;
      if (first !== undefined) {
        renderReference(scene, first, white, counts);
      }
      const times = await interleaved([
        () => wallOf(one, scene, cameras),
        () => wallOf(all, scene, cameras),
      ]);
      const { cpuMs } = await cpuOf(one, scene, cameras);
      const [single = 0, every = 0] = times.map((ms) => ms / cameras.length);
      speedups.push(single / every);
      console.log(
        [
          name.padEnd(26),
          radius.toFixed(1).padStart(5),
          cpuMs.toFixed(1).padStart(10),
          single.toFixed(1).padStart(9),
          every.toFixed(1).padStart(7),
          (counts.pairs / cpuMs / 1000).toFixed(0).padStart(9),
        ].join(" "),
      );
    }
  }
  // Six views: what a render does once weighs more than in a job of 36.
  const speedup = geometricMean(speedups);
  if (threads === 2) {
    check("2 threads / 1 thread, all rows", speedup, ">=", bars.twoThreads);
  } else {
    console.log(`${threads} threads / 1 thread, all rows: ${speedup.toFixed(2)}`);
  }
}

/** CPU time a view and agreement with the reference, of both on the same views. */
async function againstSpark({ name: asset, splat }: BenchAsset, bar: number): Promise<void> {
  const reason = sparkMissing();
  if (reason !== undefined) {
    return console.log(`\nSpark was not measured: ${reason}`);
  }
  const scene = createScene(splat);
  const views = orbit(2.5, 6);
  const cameras = views.map((view) => orbitCamera(view, projection));
  const references = cameras.map((camera) => renderReference(scene, camera, white));
  const { images, cpuMs } = await cpuOf(all, scene, cameras);
  const spark = await runSpark(writePly(splat), views, projection.size, projection.fovyDeg, true);
  const gl = await glRow(scene, cameras);
  const plain = await runSpark(writePly(splat), views, projection.size, projection.fovyDeg, false);
  console.log(`\n${asset} at radius 2.5; CPU ms a view, and dB against the float64 rasteriser`);
  const rows = [
    ["ours", cpuMs, images],
    ["Spark set to match", spark.cpuMs, spark.images],
    ["Spark as it comes", plain.cpuMs, plain.images],
    ...gl,
  ] as const;
  for (const [name, ms, pictures] of rows) {
    console.log(
      `${name.padEnd(40)} ${ms.toFixed(1).padStart(8)} ms ${leastDb(pictures, references).toFixed(1)} dB`,
    );
  }
  check("Spark / ours", spark.cpuMs / cpuMs, ">=", bar);
  check(
    "ours - Spark, dB",
    leastDb(images, references) - leastDb(spark.images, references),
    ">=",
    0,
  );
}

/** Our gl backend on whatever Vulkan there is; no row where there is none. */
async function glRow(
  scene: Scene,
  cameras: Parameters<Renderer["render"]>[1],
): Promise<readonly (readonly [string, number, readonly RgbImage[]])[]> {
  try {
    await using gl = await startGlRenderer(process.env);
    await gl.render(scene, cameras, white);
    const before = await cpuMsOfTree(process.pid);
    const images = await gl.render(scene, cameras, white);
    const cpuMs = ((await cpuMsOfTree(process.pid)) - before) / cameras.length;
    return [[`gl (${gl.device})`.slice(0, 40), cpuMs, images]];
  } catch (error) {
    if (!(error instanceof DeviceError)) {
      throw error;
    }
    console.log(`\ngl was not measured: ${error.message}`);
    return [];
  }
}

/** 36 views of the profile on all threads, on one, and the model on 36 pictures that are ready. */
async function againstModel({ name, splat }: BenchAsset, bar: number): Promise<void> {
  const profile = await loadProfile(defaultProfile);
  const cameras = viewsOf(profile, 0n).map((view) => orbitCamera(view, profile));
  const scene = createScene(splat);
  const file = join(await benchModel("vit-b-32"), "vision_model.onnx");
  await using graph = await loadGraph(file, { executionProvider: "cpu", threads });
  const shape = [batch, 3, 224, 224];
  const values = new Float32Array(batch * 3 * 224 * 224).fill(0.5);
  const runs = {
    one: () => draw(one, scene, cameras),
    all: () => draw(all, scene, cameras),
    model: async () => {
      for (let done = 0; done < cameras.length; done += batch) {
        await graph.run({ pixel_values: { values, shape } });
      }
    },
  };
  for (const run of Object.values(runs)) {
    await run();
  }
  // The clock of a shared machine changes from second to second: each round has its own ratios.
  const rows: Record<keyof typeof runs, Cost>[] = [];
  for (let round = 0; round < pairs; round++) {
    rows.push({
      one: await costOf(runs.one),
      all: await costOf(runs.all),
      model: await costOf(runs.model),
    });
  }
  const middle = (of: (row: (typeof rows)[number]) => number): number => median(rows.map(of));
  console.log(
    `\n${name}: 36 views ${middle(({ all }) => all.wallMs).toFixed(0)} ms, ViT-B/32 on 36 pictures ` +
      `${middle(({ model }) => model.wallMs).toFixed(0)} ms, ${threads} threads; of processor time ` +
      `${middle(({ all }) => all.cpuMs).toFixed(0)} and ${middle(({ model }) => model.cpuMs).toFixed(0)} ms, ` +
      `ratio ${middle(({ all, model }) => all.cpuMs / model.cpuMs).toFixed(2)}`,
  );
  check(
    "36 views / model",
    middle(({ all, model }) => all.wallMs / model.wallMs),
    "<=",
    bar,
  );
  if (threads !== 2) {
    return;
  }
  const speedup = middle((row) => row.one.wallMs / row.all.wallMs);
  check("36 views, 2 threads / 1 thread", speedup, ">=", bars.twoThreads);
}

async function draw(
  renderer: Renderer,
  scene: Scene,
  cameras: Parameters<Renderer["render"]>[1],
): Promise<void> {
  const images = await renderer.render(scene, cameras, white);
  renderer.recycle?.(images); // as a worker does
}

function orbit(radius: number, count: number): readonly View[] {
  return Array.from({ length: count }, (_, index) => ({
    azimuthDeg: (360 / count) * index,
    elevationDeg: ((index * 7) % 40) - 20,
    radius,
  }));
}

async function wallOf(
  renderer: Renderer,
  scene: Scene,
  cameras: Parameters<Renderer["render"]>[1],
): Promise<number> {
  const { wallMs } = await costOf(() => draw(renderer, scene, cameras));
  return wallMs;
}

/** CPU time of all threads together, a view. */
async function cpuOf(renderer: Renderer, scene: Scene, cameras: Parameters<Renderer["render"]>[1]) {
  let cpuMs = Number.POSITIVE_INFINITY;
  let images: readonly RgbImage[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = process.cpuUsage();
    images = await renderer.render(scene, cameras, white);
    const { user, system } = process.cpuUsage(before);
    cpuMs = Math.min(cpuMs, (user + system) / 1000 / cameras.length);
  }
  return { images, cpuMs };
}

/** The least time of each, all taking turns; the first turn is for warming up. */
async function interleaved(runs: readonly (() => Promise<number>)[]): Promise<readonly number[]> {
  const least = runs.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round <= rounds; round++) {
    for (const [index, run] of runs.entries()) {
      const ms = await run();
      if (round > 0) {
        least[index] = Math.min(least[index] ?? ms, ms);
      }
    }
  }
  return least;
}

function leastDb(images: readonly RgbImage[], references: readonly RgbImage[]): number {
  return Math.min(
    ...images.map((image, index) => {
      const reference = references[index];
      return reference === undefined ? Number.NaN : psnr(image, reference);
    }),
  );
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

function check(what: string, value: number, sign: "<=" | ">=", bar: number): void {
  const isMet = sign === "<=" ? value <= bar : value >= bar;
  results.push(isMet);
  console.log(`${isMet ? "ok  " : "MISS"} ${what}: ${value.toFixed(2)} (${sign} ${bar})`);
}
