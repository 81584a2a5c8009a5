import assert from "node:assert/strict";
import { globSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import sharp from "sharp";
import type { RgbImage } from "../render/index.ts";
import { parsePreprocessing } from "./picture-settings.ts";
import { createCrop } from "./preprocess.ts";

const vectors = process.env.TURNTABLE_VECTORS;
const skip = vectors === undefined ? "TURNTABLE_VECTORS is not set" : false;

test("every picture X-in.png becomes X-224.png, bit for bit", { skip }, async () => {
  const folder = join(vectors ?? "", "clip");
  const names = globSync("*-in.png", { cwd: folder });
  assert.ok(names.length > 0, `no pictures in ${folder}`);
  const crop = createCrop(parsePreprocessing({}));
  for (const name of names) {
    const expected = await readPng(join(folder, name.replace("-in.png", "-224.png")));
    const { pixels, width, height } = crop(await readPng(join(folder, name)));
    assert.deepEqual([width, height], [expected.width, expected.height], name);
    const wrong = pixels.findIndex((value, index) => value !== expected.pixels[index]);
    assert.equal(wrong, -1, `${name}: byte ${wrong} differs`);
  }
});

async function readPng(file: string): Promise<RgbImage> {
  const { data, info } = await sharp(file)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.equal(info.channels, 3);
  return { width: info.width, height: info.height, pixels: new Uint8Array(data) };
}
