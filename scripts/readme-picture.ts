/**
 * Makes docs/contact-sheet.webp, the README's picture: an asset of the procedural engine from its 36 scored views, with
 * what the built-in model says of each. `node scripts/readme-picture.ts [PROMPT]`
 */
import { availableParallelism } from "node:os";
import { generate } from "@turntable/generation";
import { defaultAssetLimits, writePly } from "@turntable/splat";
import {
  defaultModelDir,
  defaultProfile,
  encodeContactSheet,
  loadClip,
  loadProfile,
  scoreAsset,
  startCpuRenderer,
} from "@turntable/validation";
import sharp from "sharp";

const prompt = process.argv[2] ?? "a red car";
const file = new URL("../docs/contact-sheet.webp", import.meta.url).pathname;
/** Wide enough for the captions to be read. */
const widthPixels = 1_000;

const { splat } = generate({ prompt, seed: 1 });
await using renderer = await startCpuRenderer(availableParallelism());
await using clip = await loadClip(defaultModelDir);
const { views, images, score } = await scoreAsset(
  { renderer, clip, limits: defaultAssetLimits },
  { bytes: writePly(splat), prompt, profile: await loadProfile(defaultProfile), cameraSeed: 1n },
);
const sheet = await encodeContactSheet(
  views.flatMap((view, index) => {
    const image = images[index];
    return image === undefined ? [] : [{ view, image, probability: view.probability }];
  }),
);
await sharp(sheet).resize({ width: widthPixels }).webp({ quality: 80 }).toFile(file);
console.log(`${file}: "${prompt}", score ${score.toFixed(3)}`);
