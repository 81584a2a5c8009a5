/**
 * Weighted sums of products over all splats. Each is the product of two columns, added up block by block: loops over
 * plain columns cost a tenth of what a list of terms for each splat does.
 */
import { type Splat, shC0 } from "../splat.ts";

const coordinates = ["x", "y", "z"] as const;
const colours = ["r", "g", "b"] as const;
const squares = ["xx", "xy", "xz", "yy", "yz", "zz"] as const;
/** What is known of each splat: 1, its place, the products of that, its colour. */
const columns = ["1", ...coordinates, ...squares, ...colours] as const;
type Column = (typeof columns)[number];

/** Which columns each sum is of, the first times the weight. */
type Product = readonly [weighted: Column, other: Column];

/** Of degree 2, 3 and 4 in x, y and z, from xx to zzzz; then of colours; then of colours and places. */
const products: readonly Product[] = [
  ...[2, 3, 4].flatMap((degree) => monomials(degree).map(inTwo)),
  ...colours.map((colour): Product => [colour, "1"]),
  ...colours.flatMap((a, i) => colours.slice(i).map((b): Product => [a, b])),
  ...colours.flatMap((colour) =>
    [...coordinates, ...squares].map((place): Product => [colour, place]),
  ),
];

/** `xxx`, `xxy` and so on, letters in their order. */
function monomials(degree: number, from = 0): readonly string[] {
  if (degree === 0) {
    return [""];
  }
  return coordinates.flatMap((letter, index) =>
    index < from ? [] : monomials(degree - 1, index).map((rest) => letter + rest),
  );
}

function inTwo(monomial: string): Product {
  return [columnNamed(monomial.slice(0, 2)), columnNamed(monomial.slice(2) || "1")];
}

function columnNamed(name: string): Column {
  const column = columns.find((each) => each === name);
  if (column === undefined) {
    throw new RangeError(`there is no column ${name}`);
  }
  return column;
}

/** How many sums there are. */
export const momentCount = products.length;
/** Splats of a block: its columns stay in the first-level cache. Even. */
const blockLength = 128;

/** Where splats are measured from and in what unit. */
export interface Frame {
  readonly mean: readonly [number, number, number];
  readonly size: number;
}

/** @param weights one a splat; a splat of weight 0 adds nothing */
export function sumMoments(splat: Splat, weights: Float32Array, frame: Frame): Float64Array {
  const block = columnsOf(blockLength);
  const weighted = columnsOf(blockLength);
  const factors = products.map(([a, b]) => [weighted[a], block[b]] as const);
  const sums = new Float64Array(products.length);
  for (let first = 0; first < splat.count; first += blockLength) {
    fill(block, splat, weights, frame, first);
    const weight = weights.subarray(first, first + blockLength);
    for (const name of [...squares, ...colours]) {
      multiply(weighted[name], block[name], weight);
    }
    factors.forEach(([a, b], index) => {
      sums[index] = (sums[index] ?? 0) + dot(a, b);
    });
  }
  return sums;
}

function columnsOf(length: number): Readonly<Record<Column, Float64Array>> {
  const entries = columns.map((name) => [name, new Float64Array(length)] as const);
  return Object.fromEntries(entries) as Record<Column, Float64Array>;
}

/** The splats from `first` on; those behind the last one, and those of no weight, are all zero. */
function fill(
  block: Readonly<Record<Column, Float64Array>>,
  { count, positions, shDc }: Splat,
  weights: Float32Array,
  { mean: [mx, my, mz], size }: Frame,
  first: number,
): void {
  const { x, y, z, xx, xy, xz, yy, yz, zz, r, g, b } = block;
  for (let to = 0; to < blockLength; to++) {
    const at = (first + to) * 3;
    const isThere = first + to < count && (weights[first + to] ?? 0) !== 0;
    const px = isThere ? ((positions[at] ?? 0) - mx) / size : 0;
    const py = isThere ? ((positions[at + 1] ?? 0) - my) / size : 0;
    const pz = isThere ? ((positions[at + 2] ?? 0) - mz) / size : 0;
    block["1"][to] = 1;
    x[to] = px;
    y[to] = py;
    z[to] = pz;
    xx[to] = px * px;
    xy[to] = px * py;
    xz[to] = px * pz;
    yy[to] = py * py;
    yz[to] = py * pz;
    zz[to] = pz * pz;
    r[to] = isThere ? shade(shDc[at] ?? 0) : 0;
    g[to] = isThere ? shade(shDc[at + 1] ?? 0) : 0;
    b[to] = isThere ? shade(shDc[at + 2] ?? 0) : 0;
  }
}

/** 0 to 1, as it is shown from everywhere. */
function shade(dc: number): number {
  return Math.min(1, Math.max(0, 0.5 + shC0 * dc));
}

function multiply(target: Float64Array, values: Float64Array, weights: Float32Array): void {
  for (let i = 0; i < target.length; i++) {
    target[i] = (values[i] ?? 0) * (weights[i] ?? 0);
  }
}

/** In two sums, so that an addition need not wait for the one before. */
function dot(a: Float64Array, b: Float64Array): number {
  let even = 0;
  let odd = 0;
  for (let i = 0; i < blockLength; i += 2) {
    even += (a[i] ?? 0) * (b[i] ?? 0);
    odd += (a[i + 1] ?? 0) * (b[i + 1] ?? 0);
  }
  return even + odd;
}
