/** Every picture of `render/manifest.json` that is found there, through the renderer that workers use. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { readAsset } from "@turntable/splat";
import { readHdf5 } from "@turntable/splat/hdf5";
import sharp from "sharp";
import { z } from "zod";
import { createScene, orbitCamera, psnr, startCpuRenderer } from "./index.ts";

const unit = z.number().min(0).max(1);
const manifestSchema = z.array(
  z.object({
    asset: z.string(),
    image: z.string(),
    size_px: z.int().positive(),
    elevation_deg: z.number(),
    azimuth_deg: z.number(),
    radius: z.number(),
    fovy_deg: z.number(),
    rescale_to_bbox: z.number().nullable(),
    background: z.tuple([unit, unit, unit]),
    psnr_db_of_float64_reference: z.number(),
  }),
);

/** Against pictures of a float64 rasteriser, and against those of a GPU. */
const leastDb = { exact: 80, gpu: 75 };

const vectors = process.env.TURNTABLE_VECTORS;
const folder = join(vectors ?? "", "render");
const cases =
  vectors === undefined
    ? []
    : manifestSchema.parse(JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8")));

test("the manifest was given", {
  skip: vectors === undefined ? "TURNTABLE_VECTORS is not set" : false,
}, () => {
  assert.ok(cases.length > 0);
});

for (const item of cases) {
  test(`${item.image} is reproduced`, async (t) => {
    const splat = await readAsset(await readFile(join(folder, item.asset)), { readHdf5 });
    await using renderer = await startCpuRenderer(2);
    const camera = orbitCamera(
      { azimuthDeg: item.azimuth_deg, elevationDeg: item.elevation_deg, radius: item.radius },
      { size: item.size_px, fovyDeg: item.fovy_deg },
    );
    const scene = createScene(splat, { rescaleBox: item.rescale_to_bbox ?? undefined });
    const [image] = await renderer.render(scene, [camera], item.background);
    assert.ok(image !== undefined);
    const expected = await sharp(join(folder, item.image)).removeAlpha().raw().toBuffer();
    const db = psnr(image, { width: item.size_px, height: item.size_px, pixels: expected });
    t.diagnostic(`${db.toFixed(1)} dB`);
    const least = item.psnr_db_of_float64_reference >= 99 ? leastDb.exact : leastDb.gpu;
    assert.ok(db >= least, `${db.toFixed(1)} dB; ${least} are needed`);
  });
}
