import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RgbImage } from "../../render/index.ts";
import { createResize } from "./index.ts";
import { precisionBits, windowsOf } from "./windows.ts";

const channels = 3;
const resize = createResize();
const side = fc.integer({ min: 1, max: 70 });
const noise = (width: number, height: number, seed: number): RgbImage => ({
  width,
  height,
  // Extremes often: they overshoot, and are to be clamped.
  pixels: Uint8Array.from({ length: width * height * channels }, (_, i) => {
    const value = Math.imul(seed + i, 2654435761) >>> 24;
    return value < 80 ? 0 : value > 170 ? 255 : value;
  }),
});

test("the compiled passes give the bytes of the plain ones, from any size to any other", () => {
  fc.assert(
    fc.property(side, side, side, side, fc.nat(), (width, height, toWidth, toHeight, seed) => {
      const image = noise(width, height, seed);
      const plain = plainColumns(plainRows(image, toWidth), toHeight);
      assert.deepEqual(resize(image, toWidth, toHeight), plain);
    }),
  );
});

test("so do they for an object before a plain ground, which is not computed", () => {
  const offset = fc.integer({ min: -5, max: 75 });
  fc.assert(
    fc.property(
      ...[side, side, side, side, offset, offset, side, side, fc.nat()],
      (width, height, toWidth, toHeight, left, top, across, down, seed) => {
        const image = noise(width, height, seed);
        const ground = [image.pixels[0] ?? 0, 255, seed % 256];
        image.pixels.forEach((_, i) => {
          const pixel = Math.floor(i / channels);
          const [x, y] = [pixel % width, Math.floor(pixel / width)];
          if (x < left || x >= left + across || y < top || y >= top + down) {
            image.pixels[i] = ground[i % channels] ?? 0;
          }
        });
        const plain = plainColumns(plainRows(image, toWidth), toHeight);
        assert.deepEqual(resize(image, toWidth, toHeight), plain);
      },
    ),
    { numRuns: 300 },
  );
});

test("memory grows with a larger picture, and is not mixed up by a smaller one after it", () => {
  for (const size of [16, 900, 512, 17]) {
    const image = noise(size, size, size);
    assert.deepEqual(resize(image, 224, 224), plainColumns(plainRows(image, 224), 224));
  }
});

test("a side that is no whole number from 1 on is refused", () => {
  for (const width of [0, -1, 2.5, Number.NaN]) {
    assert.throws(() => resize(noise(2, 2, 1), width, 2), RangeError);
  }
});

test("a picture of one colour keeps it at every size", () => {
  fc.assert(
    fc.property(side, side, side, side, fc.nat(255), (width, height, toWidth, toHeight, value) => {
      const pixels = new Uint8Array(width * height * channels).fill(value);
      const resized = resize({ width, height, pixels }, toWidth, toHeight);
      assert.equal(resized.pixels.length, toWidth * toHeight * channels);
      assert.ok(resized.pixels.every((pixel) => pixel === value));
    }),
  );
});

/** The two passes as one would write them. */
function plainRows(image: RgbImage, width: number): RgbImage {
  const { starts, lengths, weights, stride } = windowsOf(image.width, width);
  const { pixels, height } = image;
  const result = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const row = y * image.width;
    for (let x = 0; x < width; x++) {
      let red = 1 << (precisionBits - 1);
      let green = red;
      let blue = red;
      let from = (row + (starts[x] ?? 0)) * channels;
      const length = lengths[x] ?? 0;
      for (let k = 0; k < length; k++) {
        const weight = weights[x * stride + k] ?? 0;
        red += (pixels[from++] ?? 0) * weight;
        green += (pixels[from++] ?? 0) * weight;
        blue += (pixels[from++] ?? 0) * weight;
      }
      const to = (y * width + x) * channels;
      result[to] = toByte(red);
      result[to + 1] = toByte(green);
      result[to + 2] = toByte(blue);
    }
  }
  return { width, height, pixels: result };
}

function plainColumns(image: RgbImage, height: number): RgbImage {
  const { starts, lengths, weights, stride } = windowsOf(image.height, height);
  const { pixels, width } = image;
  const rowLength = width * channels;
  const result = new Uint8Array(rowLength * height);
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < height; y++) {
    sums.fill(1 << (precisionBits - 1));
    let from = (starts[y] ?? 0) * rowLength;
    const length = lengths[y] ?? 0;
    for (let k = 0; k < length; k++) {
      const weight = weights[y * stride + k] ?? 0;
      for (let i = 0; i < rowLength; i++) {
        sums[i] = (sums[i] ?? 0) + (pixels[from++] ?? 0) * weight;
      }
    }
    const to = y * rowLength;
    for (let i = 0; i < rowLength; i++) {
      result[to + i] = toByte(sums[i] ?? 0);
    }
  }
  return { width, height, pixels: result };
}

function toByte(fixed: number): number {
  const value = fixed >> precisionBits;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
