import assert from "node:assert/strict";
import { test } from "node:test";
import { psnr, startCpuRenderer } from "@turntable/validation";
import sharp from "sharp";
import { goldenFile, renderGolden } from "./views.ts";

/** Other machines and engines may round the last bit of exp and sqrt otherwise. */
const leastDb = { cpu: 80 };

test("36 views of a generated splat look as they always did (cpu)", async () => {
  await using renderer = await startCpuRenderer(2);
  const image = await renderGolden(renderer);
  const { data, info } = await sharp(goldenFile).raw().toBuffer({ resolveWithObject: true });
  assert.equal(info.channels, 3);
  const db = psnr(image, { width: info.width, height: info.height, pixels: data });
  assert.ok(db >= leastDb.cpu, `${db.toFixed(1)} dB; ${leastDb.cpu} are needed`);
});
