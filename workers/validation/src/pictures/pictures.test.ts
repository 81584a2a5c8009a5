import assert from "node:assert/strict";
import { test } from "node:test";
import sharp from "sharp";
import type { RgbImage } from "../render/index.ts";
import {
  encodeContactSheet,
  encodeGrid,
  encodePng,
  encodeQuarters,
  encodeTurntable,
} from "./index.ts";

function plain(size: number, colour: readonly [number, number, number]): RgbImage {
  const pixels = Uint8Array.from({ length: size * size * 3 }, (_, i) => colour[i % 3] ?? 0);
  return { width: size, height: size, pixels };
}
const red = plain(32, [255, 0, 0]);
const green = plain(32, [0, 255, 0]);
const blue = plain(32, [0, 0, 255]);

async function pixelsOf(png: Uint8Array) {
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  return {
    ...info,
    at: (x: number, y: number) => [
      ...data.subarray(
        (y * info.width + x) * info.channels,
        (y * info.width + x) * info.channels + 3,
      ),
    ],
  };
}

test("a PNG keeps every pixel", async () => {
  const noise: RgbImage = {
    width: 5,
    height: 3,
    pixels: Uint8Array.from({ length: 45 }, (_, i) => (i * 73) % 256),
  };
  const { data } = await sharp(await encodePng(noise))
    .raw()
    .toBuffer({ resolveWithObject: true });
  assert.deepEqual(new Uint8Array(data), noise.pixels);
});

test("four quarters of a turn become one JPEG, made smaller where they are larger", async () => {
  const grey = plain(32, [128, 128, 128]);
  const turn = [red, grey, green, grey, blue, grey, grey, grey];
  const { width, height, at } = await pixelsOf(await encodeQuarters(turn, 16));
  assert.deepEqual([width, height], [32, 32]);
  const middles = [at(8, 8), at(24, 8), at(8, 24), at(24, 24)];
  for (const [i, colour] of [red, green, blue, grey].entries()) {
    const wanted = [...colour.pixels.subarray(0, 3)];
    const far = wanted.map((value, channel) => Math.abs(value - (middles[i]?.[channel] ?? 0)));
    assert.ok(Math.max(...far) < 8, `quarter ${i} is ${middles[i]}`);
  }
  assert.equal((await pixelsOf(await encodeQuarters(turn, 500))).width, 64);
});

test("a grid has two pictures in a row", async () => {
  const { width, height, at } = await pixelsOf(await encodeGrid([red, green, blue, red]));
  assert.deepEqual([width, height], [64, 64]);
  assert.deepEqual(
    [at(0, 0), at(32, 0), at(0, 32), at(63, 63)],
    [
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
      [255, 0, 0],
    ],
  );
});

test("a turntable is a film of all views that starts again", async () => {
  const metadata = await sharp(await encodeTurntable([red, green, blue]), {
    animated: true,
  }).metadata();
  assert.deepEqual(
    [metadata.format, metadata.pages, metadata.pageHeight, metadata.width, metadata.loop],
    ["webp", 3, 32, 32, 0],
  );
});

test("a contact sheet shows every view, and writes below it", async () => {
  const view = { azimuthDeg: 0, elevationDeg: -15 };
  const sheet = await pixelsOf(
    await encodeContactSheet([
      { view, image: red },
      { view, image: green, probability: 0.87 },
    ]),
  );
  assert.equal(sheet.width, 192 * 2);
  assert.deepEqual(
    [sheet.at(96, 96), sheet.at(192 + 96, 96)],
    [
      [255, 0, 0],
      [0, 255, 0],
    ],
  );
  const inkBelow = (left: number): number => {
    let dots = 0;
    for (let y = 192; y < sheet.height; y++) {
      for (let x = left; x < left + 192; x++) {
        dots += sheet.at(x, y)[0] === 0 ? 1 : 0;
      }
    }
    return dots;
  };
  assert.ok(inkBelow(0) > 0);
  assert.ok(inkBelow(192) > inkBelow(0), "the probability is written too");
});

test("a contact sheet tells at a glance which views the subnet would take", async () => {
  const view = { azimuthDeg: 120, elevationDeg: -15 };
  const probabilities = [0.6, 0.59, undefined];
  const { width, height, at } = await pixelsOf(
    await encodeContactSheet(
      probabilities.map((probability) => ({
        view,
        image: plain(192, [255, 255, 255]),
        ...(probability === undefined ? {} : { probability }),
      })),
    ),
  );
  const coloured = (column: number, row: number) => {
    const seen = new Set<string>();
    for (let y = (row * height) / 2; y < ((row + 1) * height) / 2; y++) {
      for (let x = column * 192; x < (column + 1) * 192; x++) {
        seen.add(at(x, y).join());
      }
    }
    const [green, red] = ["0,110,40", "170,20,20"];
    return [seen.has("0,0,0"), seen.has(green), seen.has(red)];
  };
  assert.equal(width, 192 * 2);
  assert.deepEqual(coloured(0, 0), [true, true, false]);
  assert.deepEqual(coloured(1, 0), [true, false, true]);
  assert.deepEqual(coloured(0, 1), [true, false, false]);
  assert.deepEqual(coloured(1, 1), [false, false, false]);
});
