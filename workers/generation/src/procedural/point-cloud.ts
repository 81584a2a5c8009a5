/** Coarse points of parts, for bounds and for what stands on what. */
import { type Affine, determinant, type Vec3 } from "./affine.ts";
import type { Part } from "./model.ts";

export interface Bounds {
  readonly low: Vec3;
  readonly high: Vec3;
}

export interface PointCloud {
  /** N × (x, y, z) */
  readonly points: Float64Array;
  readonly bounds: Bounds;
  /** Largest distance from the vertical axis. */
  readonly radius: number;
}

/** Models are about one unit large. Cells' corners are taken, so bounds are right to well below a cell. */
const coarseSpacing = 0.05;

export function cloudOf(
  parts: readonly { readonly part: Part; readonly place: Affine }[],
): PointCloud {
  const locals = parts.map(({ part }) => localCloud(part));
  const points = new Float64Array(locals.reduce((sum, local) => sum + local.length, 0));
  const low: [number, number, number] = [Infinity, Infinity, Infinity];
  const high: [number, number, number] = [-Infinity, -Infinity, -Infinity];
  let radius = 0;
  let at = 0;
  for (const [index, { place }] of parts.entries()) {
    const local = locals[index] ?? points;
    for (let i = 0; i < local.length; i += 3) {
      const x = local[i] ?? 0;
      const y = local[i + 1] ?? 0;
      const z = local[i + 2] ?? 0;
      const px = place[0] * x + place[1] * y + place[2] * z + place[3];
      const py = place[4] * x + place[5] * y + place[6] * z + place[7];
      const pz = place[8] * x + place[9] * y + place[10] * z + place[11];
      points[at++] = px;
      points[at++] = py;
      points[at++] = pz;
      if (px < low[0]) {
        low[0] = px;
      }
      if (py < low[1]) {
        low[1] = py;
      }
      if (pz < low[2]) {
        low[2] = pz;
      }
      if (px > high[0]) {
        high[0] = px;
      }
      if (py > high[1]) {
        high[1] = py;
      }
      if (pz > high[2]) {
        high[2] = pz;
      }
      radius = Math.max(radius, Math.sqrt(px * px + pz * pz));
    }
  }
  return { points, bounds: { low, high }, radius };
}

/** How far `above` must be lifted to just stand on `below`. */
export function dropHeight(above: PointCloud, below: PointCloud): number {
  const cell = 0.05;
  const cells = 64;
  const tops = new Float64Array(cells * cells).fill(Number.NEGATIVE_INFINITY);
  const cellOf = (points: Float64Array, i: number): number => {
    const column = Math.floor((points[i] ?? 0) / cell) + cells / 2;
    const row = Math.floor((points[i + 2] ?? 0) / cell) + cells / 2;
    return column >= 0 && column < cells && row >= 0 && row < cells ? row * cells + column : -1;
  };
  for (let i = 0; i < below.points.length; i += 3) {
    const at = cellOf(below.points, i);
    if (at >= 0) {
      tops[at] = Math.max(tops[at] ?? 0, below.points[i + 1] ?? 0);
    }
  }
  let lift = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < above.points.length; i += 3) {
    const at = cellOf(above.points, i);
    if (at >= 0) {
      lift = Math.max(lift, (tops[at] ?? 0) - (above.points[i + 1] ?? 0));
    }
  }
  // Nothing below it anywhere: on the height of the other's top.
  return Number.isFinite(lift) ? lift : below.bounds.high[1] - above.bounds.low[1];
}

const clouds = new WeakMap<Part["surface"], Float64Array>();

/** Points in the surface's own units, kept as long as the surface. */
function localCloud(part: Part): Float64Array {
  const known = clouds.get(part.surface);
  if (known !== undefined) {
    return known;
  }
  const points: number[] = [];
  part.surface.sample(coarseSpacing, (x, y, z, ux, uy, uz, vx, vy, vz) => {
    // A cell's four corners: a coarse grid of centres alone would make everything too small.
    for (const [s, t] of corners) {
      points.push(x + s * ux + t * vx, y + s * uy + t * vy, z + s * uz + t * vz);
    }
  });
  const cloud = Float64Array.from(points);
  clouds.set(part.surface, cloud);
  return cloud;
}

const corners = [
  [-0.5, -0.5],
  [-0.5, 0.5],
  [0.5, -0.5],
  [0.5, 0.5],
] as const;

/** Edge of a cube of the same volume factor: how much longer lengths get. */
export function scaleOf(place: Affine): number {
  return cubeRoot(Math.abs(determinant(place)));
}

/** Newton's method; `Math.cbrt` may differ between engines. */
function cubeRoot(x: number): number {
  if (x === 0) {
    return 0;
  }
  let r = x > 1 ? x : 1;
  for (let i = 0; i < 60; i++) {
    r -= (r - x / (r * r)) / 3;
  }
  return r;
}
