import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { addPredicted } from "./transforms.ts";

/** The same value in all four channels. */
const grey = (value: number): number => (value * 0x01010101) >>> 0;

/** What is predicted for the second pixel of the second row, from its neighbours. */
function predicted(
  mode: number,
  { l, t, tr, tl }: Readonly<Record<"l" | "t" | "tr" | "tl", number>>,
) {
  const less = (value: number, by: number): number => (value - by) & 255;
  const opaque = ((less(tl, 255) << 24) | (tl * 0x010101)) >>> 0; // the first pixel is predicted as opaque black
  const pixels = Uint32Array.of(
    ...[opaque, grey(less(t, tl)), grey(less(tr, t))],
    ...[grey(less(l, tl)), 0, 0],
  );
  addPredicted(pixels, 3, Uint32Array.of(mode << 8), 2);
  return pixels[4];
}

describe("predictors", () => {
  const around = { l: 100, t: 50, tr: 200, tl: 80 };
  for (const [mode, value] of [
    [1, 100],
    [2, 50],
    [3, 200],
    [4, 80],
    [5, 100], // of (100 + 200) / 2 and 50
    [6, 90],
    [7, 75],
    [8, 65],
    [9, 125],
    [10, 107], // of (100 + 80) / 2 and (50 + 200) / 2, rounded down
    [11, 50], // 70 is nearer to 50 than to 100
    [12, 70],
    [13, 73], // 75 and half of 75 − 80, towards 0
  ] as const) {
    test(`${mode}`, () => assert.equal(predicted(mode, around), grey(value)));
  }
  test("0 is opaque black", () => assert.equal(predicted(0, around), 0xff000000));
  test("11 takes the left one when that is nearer", () => {
    assert.equal(predicted(11, { l: 100, t: 90, tr: 0, tl: 80 }), grey(100));
  });
  test("12 and 13 stay within a byte", () => {
    assert.equal(predicted(12, { l: 250, t: 240, tr: 0, tl: 10 }), grey(255));
    assert.equal(predicted(13, { l: 2, t: 0, tr: 0, tl: 250 }), grey(0));
  });
});
