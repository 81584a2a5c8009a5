/** Splats as lists of rows: made, put together, and picked from. */
import { type ShDegree, type Splat, shRestCount } from "./splat.ts";

/** So many of zeros, to be filled. */
export function createSplat(count: number, shDegree: ShDegree = 0): Splat {
  return {
    count,
    shDegree,
    positions: new Float32Array(count * 3),
    scales: new Float32Array(count * 3),
    rotations: new Float32Array(count * 4),
    opacities: new Float32Array(count),
    shDc: new Float32Array(count * 3),
    shRest: new Float32Array(count * shRestCount(shDegree) * 3),
  };
}

/** One after the other, at the highest degree of any; bands that one does not have are 0. */
export function joinSplats(parts: readonly Splat[]): Splat {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) {
    return only;
  }
  const shDegree = parts.reduce<ShDegree>((most, part) => maxDegree(most, part.shDegree), 0);
  const joined = (take: (part: Splat) => Float32Array): Float32Array => {
    const columns = parts.map(take);
    const whole = new Float32Array(columns.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const column of columns) {
      whole.set(column, at);
      at += column.length;
    }
    return whole;
  };
  return {
    count: parts.reduce((sum, { count }) => sum + count, 0),
    shDegree,
    positions: joined(({ positions }) => positions),
    scales: joined(({ scales }) => scales),
    rotations: joined(({ rotations }) => rotations),
    opacities: joined(({ opacities }) => opacities),
    shDc: joined(({ shDc }) => shDc),
    shRest: joined((part) => restAt(part, shDegree)),
  };
}

function maxDegree(a: ShDegree, b: ShDegree): ShDegree {
  return a > b ? a : b;
}

function restAt({ count, shDegree, shRest }: Splat, wanted: ShDegree): Float32Array {
  if (shDegree === wanted) {
    return shRest;
  }
  const [from, to] = [shRestCount(shDegree) * 3, shRestCount(wanted) * 3];
  const widened = new Float32Array(count * to);
  for (let i = 0; i < count; i++) {
    widened.set(shRest.subarray(i * from, (i + 1) * from), i * to);
  }
  return widened;
}

/** The rows at `indices`, in that order. */
export function pickSplats(splat: Splat, indices: Uint32Array): Splat {
  const take = (values: Float32Array): Float32Array => {
    const width = values.length / splat.count;
    const taken = new Float32Array(indices.length * width);
    for (const [to, from] of indices.entries()) {
      taken.set(values.subarray(from * width, (from + 1) * width), to * width);
    }
    return taken;
  };
  return {
    count: indices.length,
    shDegree: splat.shDegree,
    positions: take(splat.positions),
    scales: take(splat.scales),
    rotations: take(splat.rotations),
    opacities: take(splat.opacities),
    shDc: take(splat.shDc),
    shRest: take(splat.shRest),
  };
}
