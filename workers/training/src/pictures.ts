/**
 * The pictures that the model learns from: scenes of our engine, seen by our renderer as a scorer sees them, in other
 * sizes, places and lights, some of them bad on purpose.
 *
 * `node workers/training/src/pictures.ts --from 0 --to 12000` writes `.cache/model/pictures-0.bin` (a scene's
 * pictures one after the other, bytes of row, column, channel) and `scenes-0.jsonl` (a line a scene). A scene follows
 * from the seed and its number alone, so ranges can be made side by side, and stopped at any time.
 */
import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { generate, type Quality } from "@turntable/generation";
import {
  categories,
  createRandom,
  pick,
  type Random,
  samplePrompt,
  seedOf,
} from "@turntable/generation/grammar";
import { type Splat, shC0 } from "@turntable/splat";
import { createScene, orbitCamera, startCpuRenderer } from "@turntable/validation";
import { createCrop } from "@turntable/validation/internal";
import { blankSplat } from "./bad-splats.ts";
import { isHeldOut } from "./held-out.ts";
import { cacheDir, preparation, seed, type TrainingScene, viewsOfScene } from "./settings.ts";

/** Rendered three times as large and made smaller as a scorer does, for what falls between pixels. */
const renderedSize = preparation.resize.shortestEdge * 3;
const fovyDeg = 49.1;
const radius = 2.5;

/** Shares of the scenes. */
const qualities: readonly (readonly [Quality | "blank", number])[] = [
  ["good", 0.8],
  ["wrong-colour", 0.02],
  ["wrong-shape", 0.02],
  ["sparse", 0.04],
  ["blurry", 0.04],
  ["noise", 0.03],
  ["blank", 0.05],
];

/** What is hardest to learn comes more often than in the grammar. */
const drawnFrom = [...categories, "relation", "relation", "stack"] as const;

await main();

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { from: { type: "string", default: "0" }, to: { type: "string", default: "12000" } },
  });
  mkdirSync(cacheDir, { recursive: true });
  const pictures = openSync(join(cacheDir, `pictures-${values.from}.bin`), "w");
  const scenes = openSync(join(cacheDir, `scenes-${values.from}.jsonl`), "w");
  await using renderer = await startCpuRenderer(1);
  const crop = createCrop(preparation);
  for (let number = Number(values.from); number < Number(values.to); number++) {
    const random = createRandom(seedOf(`${seed} ${number}`));
    const { scene, splat } = makeScene(random);
    const cameras = Array.from({ length: viewsOfScene }, () =>
      orbitCamera(
        {
          azimuthDeg: Math.floor(random() * 36) * 10,
          elevationDeg: Math.floor(random() * 40) - 20,
          radius,
        },
        { size: renderedSize, fovyDeg },
      ),
    );
    const images = await renderer.render(createScene(varied(splat, random)), cameras, [1, 1, 1]);
    for (const image of images) {
      writeSync(pictures, crop(image).pixels);
    }
    writeSync(scenes, `${JSON.stringify(scene)}\n`);
  }
  closeSync(pictures);
  closeSync(scenes);
}

function makeScene(random: Random): { readonly scene: TrainingScene; readonly splat: Splat } {
  const quality = pickQuality(random);
  if (quality === "blank") {
    return { scene: { quality, shown: null }, splat: blankSplat(random) };
  }
  const category = pick(random, drawnFrom);
  let { prompt } = samplePrompt(random, category);
  while (isHeldOut(prompt)) {
    ({ prompt } = samplePrompt(random, category));
  }
  // Few splats are quick to make; most assets have more, and a few here do.
  const splats = pick(random, [2500, 3000, 4000, 4000, 5000, 8000, 15_000]);
  const made = generate({ prompt, seed: Math.floor(random() * 2 ** 32), splats, quality });
  return {
    scene: { quality, shown: quality === "noise" ? null : made.shown },
    splat: made.splat,
  };
}

function pickQuality(random: Random): Quality | "blank" {
  let left = random();
  for (const [quality, share] of qualities) {
    left -= share;
    if (left < 0) {
      return quality;
    }
  }
  return "good";
}

/** Another size, place and light: from one side, and a little warmer or colder. */
function varied(splat: Splat, random: Random): Splat {
  const around = (width: number): number => (random() * 2 - 1) * width;
  const size = 0.8 + 0.26 * random();
  const shift = [around(0.06), around(0.06), around(0.06)];
  const gain = 0.92 + 0.13 * random();
  const tint = [1 + around(0.03), 1 + around(0.03), 1 + around(0.03)];
  const towards = [around(0.2), around(0.2), around(0.2)];
  const positions = splat.positions.map((value, i) => value * size + (shift[i % 3] ?? 0));
  const shDc = splat.shDc.map((value, i) => {
    const at = i - (i % 3);
    const lit = [0, 1, 2].reduce(
      (sum, axis) => sum + (towards[axis] ?? 0) * (splat.positions[at + axis] ?? 0),
      1,
    );
    const colour = (0.5 + shC0 * value) * gain * (tint[i % 3] ?? 1) * lit;
    return (colour - 0.5) / shC0;
  });
  const scales = splat.scales.map((value) => value + Math.log(size));
  return { ...splat, positions, scales, shDc };
}
