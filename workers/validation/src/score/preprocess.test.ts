import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RgbImage } from "../render/index.ts";
import { ModelError } from "./errors.ts";
import { parsePreprocessing } from "./picture-settings.ts";
import { createCrop, createPixelWriter } from "./preprocess.ts";
import { createResize } from "./resize/index.ts";

const resize = createResize();
const side = fc.integer({ min: 1, max: 40 });

test("a resized picture is that of the mirrored one, mirrored", () => {
  fc.assert(
    fc.property(side, side, fc.nat(), (width, toWidth, seed) => {
      const image = noise(width, 5, seed);
      const there = mirror(resize(image, toWidth, 7)).pixels;
      const mirrored = resize(mirror(image), toWidth, 7).pixels;
      // A weight may round the other way in its last bit.
      assert.ok(there.every((value, i) => Math.abs(value - (mirrored[i] ?? -9)) <= 1));
    }),
  );
});

test("a picture of the right size is not touched", () => {
  const image = noise(224, 224, 1);
  assert.equal(createCrop(parsePreprocessing({}))(image), image);
});

test("the longer edge and the place of the cut are rounded down", () => {
  // 3 × 7 to a shortest edge of 4: floor(4 · 7 / 3) = 9 rows, cut from floor((9 − 4) / 2) = 2.
  const image = noise(3, 7, 2);
  const preprocessing = parsePreprocessing({ size: 4, crop_size: 4 });
  const resized = resize(image, 4, 9);
  const expected = resized.pixels.subarray(2 * 4 * 3, 6 * 4 * 3);
  assert.deepEqual(createCrop(preprocessing)(image).pixels, expected);
});

test("a cut larger than the picture is black around it", () => {
  const crop = createCrop(parsePreprocessing({ size: 1, crop_size: { width: 2, height: 3 } }));
  const { pixels } = crop({ width: 1, height: 1, pixels: Uint8Array.of(9, 8, 7) });
  const black = [0, 0, 0];
  // floor(−1/2) = −1: one column before it, one row above and one below.
  assert.deepEqual([...pixels], [black, black, black, [9, 8, 7], black, black].flat());
});

test("a size of height and width is taken whatever the picture's form", () => {
  const image = noise(9, 5, 3);
  const to = { size: { height: 4, width: 6 }, crop_size: { height: 4, width: 6 } };
  assert.deepEqual(createCrop(parsePreprocessing(to))(image), resize(image, 6, 4));
});

test("a picture of 4 bytes a pixel is refused", () => {
  const rgba = { width: 2, height: 2, pixels: new Uint8Array(16) };
  assert.throws(() => createCrop(parsePreprocessing({}))(rgba), RangeError);
});

test("both ways of writing sizes mean the same", () => {
  assert.deepEqual(
    parsePreprocessing({ size: { shortest_edge: 336 }, crop_size: { height: 336, width: 336 } }),
    parsePreprocessing({ size: 336, crop_size: 336 }),
  );
});

test("pixel values go channel by channel, rescaled and normalised as the file says", () => {
  const image = { width: 2, height: 1, pixels: Uint8Array.of(0, 51, 255, 102, 204, 0) };
  const values = new Float32Array(7);
  const preprocessing = parsePreprocessing({
    do_resize: false,
    crop_size: { width: 2, height: 1 },
    image_mean: [0, 0.2, 0.5],
    image_std: [1, 0.5, 2],
  });
  createPixelWriter(preprocessing)(image, values, 1);
  const expected = [0, 0, 0.4, 0, 1.2, 0.25, -0.25];
  expected.forEach((value, i) => {
    assert.ok(Math.abs(value - (values[i] ?? Number.NaN)) < 1e-6, `${i}: ${values[i]}`);
  });
});

test("what cannot be done is refused with the name of the setting", () => {
  for (const [config, name] of [
    [{ do_center_crop: false }, /do_center_crop/],
    [{ resample: 2 }, /resample/],
    [{ image_std: [1, 0, 1] }, /image_std/],
    [{ crop_size: 0 }, /crop_size/],
    [{ image_mean: [0.5] }, /image_mean/],
    ["text", /preprocessor_config/],
  ] as const) {
    assert.throws(
      () => parsePreprocessing(config),
      (error) =>
        error instanceof ModelError && error.code === "configuration" && name.test(error.message),
      JSON.stringify(config),
    );
  }
});

function noise(width: number, height: number, seed: number): RgbImage {
  const pixels = new Uint8Array(width * height * 3);
  let state = seed;
  for (let i = 0; i < pixels.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes
    pixels[i] = state >>> 24;
  }
  return { width, height, pixels };
}

function mirror({ width, height, pixels }: RgbImage): RgbImage {
  const mirrored = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) {
    const x = Math.floor(i / 3) % width;
    mirrored[i + (width - 1 - 2 * x) * 3] = pixels[i] ?? 0;
  }
  return { width, height, pixels: mirrored };
}
