/** Every picture of `render/manifest.json` that is found there, through the renderer that workers use. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import { loadManifestScene, readManifest } from "../../test/manifest.ts";
import { psnr, startCpuRenderer } from "./index.ts";

/** Against pictures of a float64 rasteriser, and against those of a GPU. */
const leastDb = { exact: 80, gpu: 75 };

const vectors = process.env.TURNTABLE_VECTORS;
const folder = join(vectors ?? "", "render");
const cases = vectors === undefined ? [] : readManifest(folder);

test("the manifest was given", {
  skip: vectors === undefined ? "TURNTABLE_VECTORS is not set" : false,
}, () => {
  assert.ok(cases.length > 0);
});

for (const item of cases) {
  test(`${item.image} is reproduced`, async (t) => {
    await using renderer = await startCpuRenderer(2);
    const { scene, camera } = await loadManifestScene(folder, item);
    const [image] = await renderer.render(scene, [camera], item.background);
    assert.ok(image !== undefined);
    const expected = await sharp(join(folder, item.image)).removeAlpha().raw().toBuffer();
    const db = psnr(image, { width: item.size_px, height: item.size_px, pixels: expected });
    t.diagnostic(`${db.toFixed(1)} dB`);
    const least = item.psnr_db_of_float64_reference >= 99 ? leastDb.exact : leastDb.gpu;
    assert.ok(db >= least, `${db.toFixed(1)} dB; ${least} are needed`);
  });
}
