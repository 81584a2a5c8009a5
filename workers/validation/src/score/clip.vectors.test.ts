import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import { z } from "zod";
import type { RgbImage } from "../render/index.ts";
import { loadClip, negatives } from "./index.ts";

const vectors = process.env.TURNTABLE_VECTORS;
const skip = vectors === undefined ? "TURNTABLE_VECTORS is not set" : false;
const folder = join(vectors ?? "", "clip");
/** From expected.json and expected-scores.json. */
const tolerance = 1e-4;

const expectedSchema = z.object({
  negatives: z.array(z.string()),
  cases: z
    .array(z.object({ image: z.string(), prompt: z.string(), probability: z.number() }))
    .min(1),
});

const scoreSchema = z.object({
  model: z.string(),
  prompt: z.string(),
  per_view: z.array(z.number()),
  mean: z.number(),
});
const scoresSchema = z.record(z.string(), z.unknown());
const runSchema = z.object({ pictures: z.string(), results: z.array(scoreSchema).min(1) });

test("models with an expected.json give its probabilities", { skip }, async () => {
  const files = globSync("*/expected.json", { cwd: folder });
  assert.ok(files.length > 0, `no models in ${folder}`);
  for (const file of files) {
    const { cases, ...expected } = expectedSchema.parse(await readJson(file));
    assert.deepEqual(negatives, expected.negatives);
    await using clip = await loadClip(join(folder, dirname(file)));
    for (const { image, prompt, probability } of cases) {
      const [actual] = await clip.probabilities(prompt, [await readPng(image)]);
      assertNear(actual, probability, `${file}, ${image}, ${prompt}`);
    }
  }
});

test("pictures that expected-scores.json gives get the subnet's own scores", { skip }, async () => {
  const runs = Object.values(scoresSchema.parse(await readJson("expected-scores.json")))
    .map((run) => runSchema.safeParse(run))
    .flatMap((run) => (run.success ? [run.data] : []));
  assert.ok(runs.length > 0, "no run with pictures");
  for (const { pictures, results } of runs) {
    const names = globSync("*.png", { cwd: join(folder, pictures) }).toSorted();
    const images = await Promise.all(names.map((name) => readPng(join(pictures, name))));
    for (const { model, prompt, per_view: views, mean } of results) {
      await using clip = await loadClip(join(folder, model));
      const actual = await clip.probabilities(prompt, images);
      assert.equal(actual.length, views.length);
      views.forEach((view, index) => {
        assertNear(actual[index], view, `${model}, ${prompt}, view ${index}`);
      });
      assertNear(actual.reduce((a, b) => a + b, 0) / actual.length, mean, `${model}, ${prompt}`);
    }
  }
});

async function readJson(file: string): Promise<unknown> {
  return JSON.parse(await readFile(join(folder, file), "utf8"));
}

async function readPng(file: string): Promise<RgbImage> {
  const { data, info } = await sharp(join(folder, file))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, pixels: new Uint8Array(data) };
}

function assertNear(actual: number | undefined, expected: number, what: string): void {
  assert.ok(
    Math.abs((actual ?? Number.NaN) - expected) <= tolerance,
    `${what}: ${actual}, not ${expected}`,
  );
}
