/** Profiles against `clip/expected-scores.json`, what the subnet's own code made of the same asset. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readAsset } from "@turntable/splat";
import { z } from "zod";
import { createScene, orbitCamera, startCpuRenderer } from "../render/index.ts";
import { loadClip } from "../score/index.ts";
import { loadProfile, summarise } from "./profile.ts";
import { viewsOf } from "./views.ts";

const vectors = process.env.TURNTABLE_VECTORS;
const skip = vectors === undefined ? "TURNTABLE_VECTORS is not set" : false;

/** From the file: a score made from given probabilities; a view and a mean from pictures rendered again. */
const tolerance = { score: 1e-4, view: 0.03, mean: 0.005 };

const numbers = z.array(z.number()).min(1);
const runSchema = z.object({
  cameras: z.object({
    asset: z.string(),
    rescale: z.number().nullable(),
    size_px: z.number(),
    radius: z.number(),
    azimuths_deg: numbers,
    elevations_deg: numbers,
  }),
  results: z
    .array(
      z.object({
        model: z.string(),
        prompt: z.string(),
        per_view: numbers,
        mean: z.number(),
        seed_2024_05_score: z.number(),
      }),
    )
    .min(1),
});
const fileSchema = z.looseObject({
  aggregation_2024_05: z
    .array(z.object({ per_view: numbers, score: z.number().nullable() }))
    .min(1),
});

const file: unknown =
  vectors === undefined
    ? undefined
    : JSON.parse(readFileSync(join(vectors, "clip/expected-scores.json"), "utf8"));

test("sn17-2024-05 makes the original's scores of given probabilities", { skip }, async () => {
  const profile = await loadProfile("sn17-2024-05");
  for (const { per_view: views, score } of fileSchema.parse(file).aggregation_2024_05) {
    const actual = summarise(profile, views);
    // Where every view is at 0.4 exactly the original divides by none; ours takes them all.
    const expected = score ?? views.reduce((sum, value) => sum + value, 0) / views.length;
    assert.ok(Math.abs(actual - expected) <= tolerance.score, `${views}: ${actual}`);
  }
});

const runs = Object.entries(file === undefined ? {} : fileSchema.parse(file)).flatMap(
  ([name, value]) => {
    const run = runSchema.safeParse(value);
    return run.success ? [{ name, ...run.data }] : [];
  },
);

test("expected-scores.json has runs of profiles", { skip }, () => assert.ok(runs.length > 0));

for (const { name, cameras, results } of runs) {
  test(`${name}: rendered here, every view scores as in the original`, async (t) => {
    const profile = await loadProfile(name);
    const views = viewsOf(profile, 0n).map((view, index) => ({
      ...view,
      elevationDeg: cameras.elevations_deg[index] ?? Number.NaN,
    }));
    assert.deepEqual(
      views.map((view) => view.azimuthDeg),
      cameras.azimuths_deg,
    );
    assert.deepEqual(
      [profile.size, profile.radius, profile.rescaleBox ?? null],
      [cameras.size_px, cameras.radius, cameras.rescale],
    );
    if ("fixedDeg" in profile.elevation) {
      assert.deepEqual([...new Set(cameras.elevations_deg)], [profile.elevation.fixedDeg]);
    }
    const bytes = await readFile(join(vectors ?? "", "render", cameras.asset));
    await using renderer = await startCpuRenderer(2);
    const images = await renderer.render(
      createScene(await readAsset(bytes), profile),
      views.map((view) => orbitCamera(view, profile)),
      profile.background,
    );
    let worst = 0;
    for (const { model, prompt, per_view: expected, ...scores } of results) {
      await using clip = await loadClip(join(vectors ?? "", "clip", model), { threads: 2 });
      const actual = await clip.probabilities(prompt, images);
      const differences = actual.map((value, index) => Math.abs(value - (expected[index] ?? 2)));
      worst = Math.max(worst, ...differences);
      assert.ok(Math.max(...differences) <= tolerance.view, `${model}, ${prompt}`);
      const score = profile.summary === "mean" ? scores.mean : scores.seed_2024_05_score;
      const nearEdge = expected.some((value) => Math.abs(value - 0.4) <= tolerance.view);
      if (profile.summary === "mean" || !nearEdge) {
        assert.ok(Math.abs(summarise(profile, actual) - score) <= tolerance.mean);
      }
    }
    t.diagnostic(`a view differs by at most ${worst.toExponential(1)}`);
  });
}
