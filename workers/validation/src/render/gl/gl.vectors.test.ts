/** Every scene of `render/manifest.json` that is found there: the gl backend's picture against the cpu one's. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { loadManifestScene, readManifest } from "../../../test/manifest.ts";
import { missingDevice } from "../../../test/missing-device.ts";
import { leastDb, psnr, startCpuRenderer } from "../index.ts";
import { startGlRenderer } from "./index.ts";

const vectors = process.env.TURNTABLE_VECTORS;
const folder = join(vectors ?? "", "render");
const skip =
  vectors === undefined
    ? "TURNTABLE_VECTORS is not set"
    : await missingDevice(() => startGlRenderer(process.env));

test("gl draws the manifest's scenes as cpu does", { skip }, async (t) => {
  const cases = readManifest(folder);
  assert.ok(cases.length > 0);
  await using cpu = await startCpuRenderer(2);
  await using gl = await startGlRenderer(process.env);
  for (const item of cases) {
    await t.test(item.image, async (each) => {
      const { scene, camera } = await loadManifestScene(folder, item);
      const [expected] = await cpu.render(scene, [camera], item.background);
      const [image] = await gl.render(scene, [camera], item.background);
      assert.ok(image !== undefined && expected !== undefined);
      const db = psnr(image, expected);
      each.diagnostic(`${item.image}: ${db.toFixed(1)} dB`);
      assert.ok(db >= leastDb.gl, `${db.toFixed(1)} dB; ${leastDb.gl} are needed`);
    });
  }
});
