/** Assets for tests, made from a seed. */
import { type ShDegree, type Splat, shRestCount } from "../src/index.ts";
import { wave } from "./makers/ply.ts";

export type Random = () => number;

/** Uniform in [0, 1); mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Values that SPZ keeps well, different for each splat. */
export function cloud(count: number, shDegree: ShDegree): Splat {
  return {
    count,
    shDegree,
    positions: wave(count * 3, -1, 1, 1),
    scales: wave(count * 3, -8, -2, 2),
    rotations: wave(count * 4, -1, 1, 3),
    opacities: wave(count, -4, 4, 4),
    shDc: wave(count * 3, -1.5, 1.5, 5),
    shRest: wave(count * shRestCount(shDegree) * 3, -0.9, 0.9, 6),
  };
}

export type Point = readonly [number, number, number];

/** Round splats of deviation 0.02 and opacity 0.9 at the points that `place` gives, in soft colours. */
export function cloudOf(count: number, random: Random, place: () => Point): Splat {
  const positions = new Float32Array(count * 3);
  for (let i = 0; i < count; i++) {
    positions.set(place(), i * 3);
  }
  const rotations = new Float32Array(count * 4).map(() => random() - 0.5);
  return {
    count,
    shDegree: 0,
    positions,
    scales: new Float32Array(count * 3).map(() => Math.log(0.02) + random() * 0.2),
    rotations,
    opacities: new Float32Array(count).fill(Math.log(9)),
    shDc: new Float32Array(count * 3).map(() => random() * 2 - 1),
    shRest: new Float32Array(0),
  };
}

/** Skin of a ball of radius 0.6, around (x, y, z). */
export function ball(count: number, random: Random, at: Point = [0, 0, 0]): Splat {
  return cloudOf(count, random, () => {
    const [x, y, z] = direction(random);
    return [at[0] + 0.6 * x, at[1] + 0.6 * y, at[2] + 0.6 * z];
  });
}

/** Uniform on the sphere. */
export function direction(random: Random): Point {
  const z = random() * 2 - 1;
  const turn = random() * 2 * Math.PI;
  const r = Math.sqrt(1 - z * z);
  return [r * Math.cos(turn), r * Math.sin(turn), z];
}

/** The splats of both, `a` first; degree 0. */
export function together(a: Splat, b: Splat): Splat {
  const join = (x: Float32Array, y: Float32Array): Float32Array => Float32Array.of(...x, ...y);
  return {
    count: a.count + b.count,
    shDegree: 0,
    positions: join(a.positions, b.positions),
    scales: join(a.scales, b.scales),
    rotations: join(a.rotations, b.rotations),
    opacities: join(a.opacities, b.opacities),
    shDc: join(a.shDc, b.shDc),
    shRest: new Float32Array(0),
  };
}

/** The same splats in another order. */
export function reordered(splat: Splat, random: Random): Splat {
  const order = Uint32Array.from({ length: splat.count }, (_, index) => index);
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  const take = (values: Float32Array): Float32Array => {
    const width = values.length / splat.count;
    const taken = new Float32Array(values.length);
    for (const [to, from] of order.entries()) {
      taken.set(values.subarray(from * width, (from + 1) * width), to * width);
    }
    return taken;
  };
  return {
    ...splat,
    positions: take(splat.positions),
    scales: take(splat.scales),
    rotations: take(splat.rotations),
    opacities: take(splat.opacities),
    shDc: take(splat.shDc),
    shRest: take(splat.shRest),
  };
}

/** Every coordinate moved by up to `share` of the largest extent along an axis, uniformly. */
export function noisy(splat: Splat, share: number, random: Random): Splat {
  let extent = 0;
  for (let axis = 0; axis < 3; axis++) {
    let [low, high] = [Infinity, -Infinity];
    for (let i = axis; i < splat.positions.length; i += 3) {
      low = Math.min(low, splat.positions[i] ?? 0);
      high = Math.max(high, splat.positions[i] ?? 0);
    }
    extent = Math.max(extent, high - low);
  }
  const move = (value: number): number => value + (random() * 2 - 1) * share * extent;
  return { ...splat, positions: splat.positions.map(move) };
}
