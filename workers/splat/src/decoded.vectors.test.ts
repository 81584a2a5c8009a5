/** Every asset of `render/decoded.json`, as real libraries decode it. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assertRefused } from "../test/near.ts";
import { readHdf5 } from "./hdf5.ts";
import { readAnySplat, readAsset, type Splat, shRestCount } from "./index.ts";

type Expected = {
  readonly asset: string;
  readonly splats: number;
  readonly sh_degree: number;
  readonly opacity_plus_inf: number;
  readonly opacity_minus_inf: number;
  readonly sums: Readonly<Record<string, number | readonly number[]>>;
  readonly first: readonly ExpectedSplat[];
  readonly last: readonly ExpectedSplat[];
};
type ExpectedSplat = {
  readonly i: number;
  readonly position: readonly number[];
  readonly f_dc: readonly number[];
  readonly opacity: number | "inf" | "-inf";
  readonly scale: readonly number[];
  readonly rotation_wxyz: readonly number[];
  readonly f_rest?: readonly (readonly number[])[];
};

const vectors = process.env.TURNTABLE_VECTORS;
const folder = join(vectors ?? "", "render");
const assets: readonly Expected[] =
  vectors === undefined
    ? []
    : JSON.parse(readFileSync(join(folder, "decoded.json"), "utf8")).assets;

test("the vectors were given", {
  skip: vectors === undefined ? "TURNTABLE_VECTORS is not set" : false,
}, () => {
  assert.ok(assets.length > 0);
});

for (const expected of assets) {
  test(`${expected.asset} decodes as it does elsewhere`, async () => {
    const bytes = readFileSync(join(folder, expected.asset));
    const { splat, notes } = await readAnySplat(bytes, { readHdf5 });
    assert.deepEqual(notes, []);
    const reading = readAsset(bytes, { readHdf5 });
    const isSpz4 = bytes.toString("latin1", 0, 4) === "NGSP" && bytes.readUInt32LE(4) === 4;
    if (isSpz4) {
      await assertRefused(reading, "unsupported-version", /version 4/);
    } else {
      assert.deepEqual(await reading, splat);
    }
    assert.equal(splat.count, expected.splats);
    assert.equal(splat.shDegree, expected.sh_degree);
    for (const one of [...expected.first, ...expected.last]) {
      checkOne(splat, one, expected.asset);
    }
    checkSums(splat, expected);
  });
}

function checkOne(splat: Splat, one: ExpectedSplat, asset: string): void {
  const { i } = one;
  const row = (values: Float32Array, width: number): readonly number[] => [
    ...values.subarray(i * width, (i + 1) * width),
  ];
  const name = (what: string): string => `${what} of splat ${i}`;
  assert.deepEqual(row(splat.positions, 3), one.position.map(Math.fround), name("position"));
  assert.deepEqual(row(splat.scales, 3), one.scale.map(Math.fround), name("scale"));
  close(row(splat.shDc, 3), one.f_dc, 1e-6, name("f_dc"));
  close([sigmoid(splat.opacities[i])], [sigmoid(Number(infinite(one.opacity)))], 1e-6, name("α"));
  const isCoarse = /spz$/.test(asset) && !/v[34]/.test(asset);
  close(row(splat.rotations, 4), one.rotation_wxyz, isCoarse ? 2e-5 : 1e-6, name("rotation"));
  const rest = shRestCount(splat.shDegree);
  close(row(splat.shRest, rest * 3), (one.f_rest ?? []).flat(), 1e-6, name("f_rest"));
}

function checkSums(splat: Splat, { sums, ...expected }: Expected): void {
  const sumOf = (values: Float32Array, map: (v: number) => number = (v) => v): number =>
    values.reduce((sum, value) => sum + map(value), 0);
  const axes = (values: Float32Array): readonly number[] =>
    [0, 1, 2].map((axis) => values.reduce((s, v, index) => s + (index % 3 === axis ? v : 0), 0));
  const near = (value: number, other: unknown, what: string): void => {
    assert.ok(Math.abs(value - Number(other)) <= 1e-6 * Math.max(1, Math.abs(value)), what);
  };
  const { position, f_dc } = sums;
  assert.ok(Array.isArray(position) && Array.isArray(f_dc));
  for (const [axis, sum] of axes(splat.positions).entries()) {
    near(sum, position[axis], `axis ${axis}`);
  }
  for (const [axis, sum] of axes(splat.shDc).entries()) {
    near(sum, f_dc[axis], `f_dc ${axis}`);
  }
  near(sumOf(splat.opacities, sigmoid), sums.opacity_activated, "sum of opacities");
  near(sumOf(splat.scales, Math.exp), sums.scale_exp, "sum of deviations");
  near(sumOf(splat.shRest, Math.abs), sums.abs_f_rest, "sum of f_rest");
  const count = (value: number) => splat.opacities.filter((opacity) => opacity === value).length;
  assert.equal(count(Infinity), expected.opacity_plus_inf);
  assert.equal(count(-Infinity), expected.opacity_minus_inf);
}

function infinite(value: number | string): number {
  return Number(String(value).replace("inf", "Infinity"));
}

function sigmoid(value: number | undefined): number {
  return 1 / (1 + Math.exp(-(value ?? Number.NaN)));
}

function close(
  values: readonly number[],
  expected: readonly number[],
  tolerance: number,
  what: string,
): void {
  assert.equal(values.length, expected.length, what);
  values.forEach((value, index) => {
    const other = expected[index] ?? Number.NaN;
    assert.ok(Math.abs(value - other) <= tolerance, `${what}: ${value}, not ${other}`);
  });
}
