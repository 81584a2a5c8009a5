/** Every float64 picture of `render/manifest.json` that is found there: the webgpu backend reproduces it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import { loadManifestScene, readManifest } from "../../../test/manifest.ts";
import { missingDevice } from "../../../test/missing-device.ts";
import { psnr } from "../index.ts";
import { startWebgpuRenderer } from "./index.ts";

const leastDb = 80;
const vectors = process.env.TURNTABLE_VECTORS;
const folder = join(vectors ?? "", "render");
const start = () =>
  startWebgpuRenderer({ env: process.env, allowSoftware: true, timeoutMs: 180_000 });
const skip = vectors === undefined ? "TURNTABLE_VECTORS is not set" : await missingDevice(start);

test("webgpu reproduces the manifest's float64 pictures", { skip }, async (t) => {
  const cases = readManifest(folder).filter((item) => item.psnr_db_of_float64_reference >= 99);
  assert.ok(cases.length > 0);
  await using webgpu = await start();
  for (const item of cases) {
    await t.test(item.image, async (each) => {
      const { scene, camera } = await loadManifestScene(folder, item);
      const [image] = await webgpu.render(scene, [camera], item.background);
      assert.ok(image !== undefined);
      const expected = await sharp(join(folder, item.image)).removeAlpha().raw().toBuffer();
      const db = psnr(image, { ...image, pixels: expected });
      each.diagnostic(`${db.toFixed(1)} dB`);
      assert.ok(db >= leastDb, `${db.toFixed(1)} dB; ${leastDb} are needed`);
    });
  }
});
