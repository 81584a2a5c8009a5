/**
 * A GPU worker's work. First what the shaders compute, counted: the same on every driver, so that a regression shows
 * without a GPU. Then the way of one job, each step alone and all together: decode, upload, views, preparing the pictures,
 * inference.
 *
 * `npm run bench:gpu [-- --allow-software-gpu]`: on a GPU 36 views of 300,000 splats at 512² and a model of ViT-B/16's
 * shape; in software a small scene, small pictures and the built-in model, whose times say nothing about a GPU. Exits
 * with 1 when a bar is missed.
 */
import { loadavg } from "node:os";
import { parseArgs } from "node:util";
import { defaultAssetLimits, readAsset, writeSpz } from "@turntable/splat";
import {
  createScene,
  createTestSplat,
  defaultModelDir,
  defaultProfile,
  loadClip,
  loadProfile,
  orbitCamera,
  type Renderer,
  type RgbImage,
  renderReference,
  scoreAsset,
  viewsOf,
} from "@turntable/validation";
import { startWebgpuRenderer, vulkanEnvironment } from "@turntable/validation/internal";
import { createPainter, openDevice } from "@turntable/validation/internal/webgpu";
import { benchModel, benchPrompt } from "./model.ts";

/**
 * Looks of pixels at splats for each splat that a pixel takes in; a scene of many small splats, the worst for tiles of
 * 16 pixels. Times in ms, of a real GPU only.
 */
const bars = { looksPerPair: 8, listedPerSplat: 6, views: 100, job: 350 };
const rounds = 3;

const { values } = parseArgs({ options: { "allow-software-gpu": { type: "boolean" } } });
const allowSoftware = values["allow-software-gpu"] === true;
const isSoftware = await countWork();
await profileJob();

async function countWork(): Promise<boolean> {
  Object.assign(process.env, vulkanEnvironment({ env: process.env, allowSoftware }));
  const open = await openDevice({ allowSoftware });
  const painter = createPainter(open);
  const count = 3_000;
  const scene = createScene(createTestSplat({ count, shDegree: 3 }));
  const camera = orbitCamera(
    { azimuthDeg: 30, elevationDeg: 10, radius: 1.5 },
    { size: 128, fovyDeg: 49.1 },
  );
  await painter.setScene(scene);
  await painter.paint(camera, [1, 1, 1]);
  const taken = { pairs: 0 };
  renderReference(scene, camera, [1, 1, 1], taken);
  const { pairs, evaluations, readBytes } = painter.work;
  console.log(`${open.name}, load average ${loadavg()[0]?.toFixed(1)}`);
  console.log(
    `a view of ${count} splats at 128²: ${pairs} splats in tiles, ${evaluations} looks of pixels at splats, ` +
      `${taken.pairs} taken in, ${readBytes} bytes read back`,
  );
  check("looks for each splat taken in", evaluations / taken.pairs, bars.looksPerPair);
  check("tiles of a splat", pairs / count, bars.listedPerSplat);
  check("bytes read back a pixel", readBytes / 128 ** 2, 4.01);
  const isCpu = /swiftshader|llvmpipe/i.test(open.name);
  open.device.destroy();
  return isCpu;
}

async function profileJob(): Promise<void> {
  const count = isSoftware ? 1_000 : 300_000;
  const loaded = await loadProfile(defaultProfile);
  const profile = isSoftware ? { ...loaded, size: 64, views: 6 } : loaded;
  const modelDir = isSoftware ? defaultModelDir : await benchModel("vit-b-16");
  const bytes = writeSpz(createTestSplat({ count }));
  await using renderer = await startWebgpuRenderer({ env: process.env, allowSoftware });
  await using clip = await loadClip(modelDir, {
    executionProvider: "webgpu",
    env: process.env,
    allowSoftwareGpu: allowSoftware,
    batchSize: 12,
  });
  const scene = createScene(await readAsset(bytes));
  const cameras = viewsOf(profile, 0n).map((view) => orbitCamera(view, profile));
  const draw = (views: Parameters<Renderer["render"]>[1]) =>
    renderer.render(scene, views, profile.background);
  let images: readonly RgbImage[] = await draw(cameras);

  const decode = await least(async () => createScene(await readAsset(bytes)));
  const upload = await least(() => draw([]));
  const views = await least(async () => {
    images = await draw(cameras);
  });
  const infer = await least(() => clip.probabilities(benchPrompt, images));
  const job = await least(() =>
    scoreAsset(
      { renderer, clip, limits: defaultAssetLimits },
      { bytes, prompt: benchPrompt, profile, cameraSeed: 0n },
    ),
  );
  console.log(
    `\n${count} splats, ${cameras.length} views at ${profile.size}², ${clip.name}; the least of ${rounds} rounds, ms`,
  );
  const steps = {
    "decode and prepare the splats": decode,
    "upload, alone": upload,
    "upload and views": views,
    "prepare pictures and infer": infer,
    "one job, all of it": job,
  };
  for (const [step, ms] of Object.entries(steps)) {
    console.log(`${step.padEnd(32)}${ms.toFixed(1).padStart(9)}`);
  }
  const alone = decode + views + infer;
  console.log(
    `overlap: the job takes ${((job / alone) * 100).toFixed(0)} % of its steps one by one`,
  );
  if (isSoftware) {
    return console.log("times of a GPU in software are held to no bar");
  }
  check("upload and 36 views, ms", views, bars.views);
  check("one job, ms", job, bars.job);
}

async function least(run: () => Promise<unknown>): Promise<number> {
  let ms = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const since = performance.now();
    await run();
    ms = Math.min(ms, performance.now() - since);
  }
  return ms;
}

function check(what: string, value: number, bar: number): void {
  const isMet = value <= bar;
  if (!isMet) {
    process.exitCode = 1;
  }
  console.log(`${isMet ? "ok  " : "MISS"} ${what}: ${value.toFixed(2)} (<= ${bar})`);
}
