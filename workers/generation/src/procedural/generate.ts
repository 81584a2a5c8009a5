/**
 * Prompt to splats: read the prompt, lay out its scene, cover its surfaces with even cells, drop those that nobody can
 * see, bake paint and light, and write one flat disc for each.
 *
 * G1. Equal requests give equal bytes in any process: randomness comes from the seed alone, and of `Math` only
 *     operations that are exact are used (see maths.ts).
 */
import type { Splat } from "@turntable/splat";
import { createRandom, parsePrompt, type Random, type Scene, seedOf } from "../grammar/index.ts";
import { type Style, styleOf } from "./appearance.ts";
import { type Checkpoint, sampleCells } from "./cells.ts";
import { discsOf } from "./discs.ts";
import { layOut, type PlacedPart, type Variation } from "./layout.ts";
import { applyQuality, type Quality, sceneFor } from "./quality.ts";
import { createVisibility, detailFor } from "./visibility.ts";

export interface GenerateRequest {
  readonly prompt: string;
  /** 0 to 2³² − 1. Other seeds give the same object, a little different; by default it follows from the prompt. */
  readonly seed?: number;
  /** At most this many, and from 10,000 on at least nine tenths of it; 1,000 to 200,000. */
  readonly splats?: number;
  /** Anything but `good` is for tests, simulations and training. */
  readonly quality?: Quality;
}

export interface Generated {
  readonly splat: Splat;
  /** What the prompt asks for. */
  readonly scene: Scene;
  /** What is shown: another scene for the qualities `wrong-colour` and `wrong-shape`. */
  readonly shown: Scene;
  /** Words of the prompt that had no effect. */
  readonly unknownWords: readonly string[];
  readonly seed: number;
}

export const defaultSplats = 30_000;
export const splatLimits = { least: 1_000, most: 200_000 } as const;

/** About how many cells a scene has at the occluders' spacing. */
const expectedOccluders = 40_000;

/**
 * The scene that a prompt names, as Gaussian splats.
 * @param checkpoint called again and again while it works; what it throws ends the work
 * @throws RangeError when `splats` is out of bounds
 */
export function generate(request: GenerateRequest, checkpoint: Checkpoint = () => {}): Generated {
  const { prompt, seed = seedOf(prompt), splats = defaultSplats, quality = "good" } = request;
  if (!(splats >= splatLimits.least && splats <= splatLimits.most)) {
    throw new RangeError(
      `${splats} splats; between ${splatLimits.least} and ${splatLimits.most} are possible`,
    );
  }
  const { scene, unknownWords } = parsePrompt(prompt);
  const random = createRandom(seed);
  const variation = variationOf(random);
  const shown = sceneFor(quality, scene, random);
  const placed = layOut(shown, variation);
  const splat = coverScene(placed, Math.floor(splats), checkpoint);
  return { splat: applyQuality(quality, splat, random), scene, shown, unknownWords, seed };
}

function variationOf(random: Random): Variation {
  const factor = (): number => 0.96 + 0.08 * random();
  return { turnDeg: (random() * 2 - 1) * 18, stretch: [factor(), factor(), factor()] };
}

function coverScene(placed: readonly PlacedPart[], target: number, checkpoint: Checkpoint): Splat {
  const styles = placed.map(({ part, thing }): Style => styleOf(part.paint, thing));
  const detail = detailFor(target);
  const { occluderSpacing } = detail;
  const occluders = sampleCells(placed, occluderSpacing, expectedOccluders, checkpoint);
  const visibility = createVisibility(
    detail,
    occluders,
    (part) => styles[part]?.finish !== "glass",
  );
  checkpoint();
  // The count grows with 1 / spacing², but not exactly: parts have at least a few cells each. Two steps suffice.
  let spacing = occluderSpacing * Math.sqrt(seenIn(occluders, visibility) / target);
  for (let attempt = 0; ; attempt++) {
    const finer = occluderSpacing / spacing;
    const cells = sampleCells(placed, spacing, occluders.count * finer * finer * 1.1, checkpoint);
    const openness = new Float32Array(cells.count);
    let seen = 0;
    for (let i = 0; i < cells.count; i++) {
      if (i % 4096 === 0) {
        checkpoint();
      }
      const at = i * 3;
      const open = visibility.at(
        cells.positions[at] ?? 0,
        cells.positions[at + 1] ?? 0,
        cells.positions[at + 2] ?? 0,
        cells.normals[at] ?? 0,
        cells.normals[at + 1] ?? 0,
        cells.normals[at + 2] ?? 0,
      );
      openness[i] = open;
      if (open >= 0) {
        seen++;
      }
    }
    if ((seen <= target && seen >= target * 0.94) || attempt === 3) {
      return discsOf({ placed, styles, cells, openness, occluders, most: target });
    }
    spacing *= Math.sqrt(seen / (target * 0.975));
  }
}

function seenIn(
  { count, positions, normals }: ReturnType<typeof sampleCells>,
  visibility: ReturnType<typeof createVisibility>,
): number {
  // Every eighth cell is enough to estimate by.
  let seen = 0;
  let looked = 0;
  for (let i = 0; i < count; i += 8) {
    const at = i * 3;
    const open = visibility.at(
      positions[at] ?? 0,
      positions[at + 1] ?? 0,
      positions[at + 2] ?? 0,
      normals[at] ?? 0,
      normals[at + 1] ?? 0,
      normals[at + 2] ?? 0,
    );
    looked++;
    if (open >= 0) {
      seen++;
    }
  }
  return Math.max(1, (seen / looked) * count);
}
