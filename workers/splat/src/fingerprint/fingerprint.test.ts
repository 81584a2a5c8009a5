import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { ball, createRandom, noisy, reordered, together } from "../../test/shapes.ts";
import {
  fingerprint,
  geometryOf,
  isSame,
  readPly,
  readSpz,
  type Splat,
  shC0,
  similarity,
  writePly,
  writeSpz,
} from "../index.ts";
import { geometryBytes, parseGeometry } from "./index.ts";

const random = createRandom(1);
const original = together(ball(900, random), ball(300, random, [0.3, 0.5, 0]));
const known = geometryOf(original);

test("the content is the hash of the bytes", () => {
  const bytes = writePly(original);
  const { content, geometry } = fingerprint(bytes, readPly(bytes));
  assert.equal(content, createHash("sha256").update(bytes).digest("hex"));
  assert.deepEqual(geometry, known);
  assert.equal(similarity(geometry, known), 1);
});

describe("the same object is known again", () => {
  const variants: Readonly<Record<string, () => Splat | Promise<Splat>>> = {
    "in another order": () => reordered(original, random),
    "as SPZ 1": () => readSpz(writeSpz(original, { version: 1 })),
    "as SPZ 2": () => readSpz(writeSpz(original, { version: 2 })),
    "as SPZ 3": () => readSpz(writeSpz(original, { version: 3, compression: "gzip" })),
    "with noise": () => noisy(original, 0.001, random),
    "among invisible splats": () => {
      const hidden = { ...ball(500, random), opacities: new Float32Array(500).fill(-12) };
      return together(hidden, original);
    },
    "in another order, with noise, as SPZ": () =>
      readSpz(writeSpz(noisy(reordered(original, random), 0.001, random))),
  };
  for (const [name, change] of Object.entries(variants)) {
    test(name, async () => {
      const other = geometryOf(await change());
      assert.ok(isSame(known, other), `similarity ${similarity(known, other)}`);
    });
  }
});

test("an object in one colour is known again as SPZ, though every splat's error is the same", async () => {
  const shares = [0, 0.17, 0.31, 0.5, 0.86, 1];
  for (const value of shares) {
    const plain = { ...original, shDc: original.shDc.map(() => (value - 0.5) / shC0) };
    for (const version of [1, 2, 3] as const) {
      const noise = noisy(reordered(plain, random), 0.001, random);
      const other = geometryOf(await readSpz(writeSpz(noise, { version })));
      const likeness = similarity(geometryOf(plain), other);
      assert.ok(isSame(geometryOf(plain), other), `${value} in SPZ ${version}: ${likeness}`);
    }
  }
});

describe("another object is not", () => {
  const others: Readonly<Record<string, () => Splat>> = {
    "larger by 2 %": () => ({ ...original, positions: original.positions.map((x) => x * 1.02) }),
    "moved by a hundredth": () => ({
      ...original,
      positions: original.positions.map((x) => x + 0.01),
    }),
    mirrored: () => ({
      ...original,
      positions: original.positions.map((x, i) => (i % 3 === 0 ? -x : x)),
    }),
    "painted darker": () => ({ ...original, shDc: original.shDc.map((c) => c - 0.2) }),
    "painted from one side to the other": () => ({
      ...original,
      shDc: original.shDc.map((c, i) => c + (original.positions[i - (i % 3)] ?? 0)),
    }),
    "one of its two parts": () => ball(900, createRandom(1)),
  };
  for (const [name, make] of Object.entries(others)) {
    test(name, () => {
      const other = geometryOf(make());
      assert.ok(!isSame(known, other), `similarity ${similarity(known, other)}`);
      assert.ok(similarity(known, other) < 0.5);
    });
  }
});

test("its numbers are the moments that their order says, one splat after the other", () => {
  const { count, positions, opacities, shDc } = original;
  const weight = (i: number): number => 1 / (1 + Math.exp(-(opacities[i] ?? 0)));
  /** The mean of what `value` says of a splat, each weighing as much as it is opaque. */
  const mean = (value: (i: number) => number): number => {
    let [sum, total] = [0, 0];
    for (let i = 0; i < count; i++) {
      sum += weight(i) * value(i);
      total += weight(i);
    }
    return sum / total;
  };
  const place = (axis: number) => (i: number) => positions[i * 3 + axis] ?? 0;
  const centre = [0, 1, 2].map((axis) => mean(place(axis)));
  const from = (axis: number, i: number): number => place(axis)(i) - (centre[axis] ?? 0);
  const size = Math.sqrt(mean((i) => from(0, i) ** 2 + from(1, i) ** 2 + from(2, i) ** 2));
  const x = (axis: number) => (i: number) => from(axis, i) / size;
  const c = (channel: number) => (i: number) =>
    Math.min(1, Math.max(0, 0.5 + shC0 * (shDc[i * 3 + channel] ?? 0)));
  const product = (...factors: readonly ((i: number) => number)[]): number =>
    mean((i) => factors.reduce((all, factor) => all * factor(i), 1));
  /** Non-decreasing lists of so many axes. */
  const axes = (length: number, first = 0): readonly (readonly number[])[] =>
    length === 0
      ? [[]]
      : [0, 1, 2]
          .filter((axis) => axis >= first)
          .flatMap((axis) => axes(length - 1, axis).map((rest) => [axis, ...rest]));
  const expected = [
    Math.log(size),
    ...centre.map((value) => value / size),
    ...[2, 3, 4].flatMap((degree) => axes(degree).map((list) => product(...list.map(x)))),
    ...[1, 2].flatMap((degree) => axes(degree).map((list) => product(...list.map(c)))),
    ...[0, 1, 2].flatMap((channel) =>
      [1, 2].flatMap((degree) => axes(degree).map((list) => product(c(channel), ...list.map(x)))),
    ),
  ];
  assert.equal(expected.length, known.length);
  expected.forEach((value, index) => {
    const error = Math.abs((known[index] ?? Number.NaN) - value);
    assert.ok(error < 1e-6, `number ${index} is ${known[index]}, not ${value}`);
  });
});

test("nothing visible, and fingerprints of another length, are no reason to fail", () => {
  const hidden = { ...ball(20, random), opacities: new Float32Array(20).fill(-Infinity) };
  assert.ok(geometryOf(hidden).every(Number.isFinite));
  assert.equal(similarity(known, known.subarray(1)), 0);
});

test("a fingerprint is read from its bytes, wherever they lie; other bytes are none", () => {
  const bytes = geometryBytes(known);
  assert.equal(bytes.length, 284);
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  assert.deepEqual(parseGeometry(shifted.subarray(1)), known);
  assert.equal(parseGeometry(bytes.subarray(4)), undefined);
  assert.equal(parseGeometry(geometryBytes(known.map(() => Number.NaN))), undefined);
});
