/**
 * How open a place is: depth maps of the whole asset from many directions, as if the camera stood everywhere around
 * it. What no direction sees is inside and needs no splat; what few directions see lies in a corner and is darker.
 */
import type { CellArrays } from "./cells.ts";
import { clamp, cos, sin } from "./maths.ts";

const directionCount = 60;
/** Pixels across a map, which spans `span` units: more than the asset's diagonal. */
const mapSize = 112;
const span = 2.2;
const pixel = span / mapSize;
/** Cells of the depth maps must lie closer than a pixel, or light falls through. */
export const occluderSpacing = pixel * 0.75;
/** Depth differences of less than this are the same surface; twice as much is fully hidden. */
const bias = pixel * 1.6;

export interface Visibility {
  /** 0 (in a corner) to 1 (nothing near), or -1: not seen from anywhere. */
  at(x: number, y: number, z: number, nx: number, ny: number, nz: number): number;
}

/** @param blocks whether the part of this index hides what is behind it */
export function createVisibility(
  occluders: CellArrays,
  blocks: (part: number) => boolean,
): Visibility {
  const axes = viewAxes();
  const maps = new Float32Array(directionCount * mapSize * mapSize).fill(-1e9);
  const { positions, parts } = occluders;
  for (let i = 0; i < occluders.count; i++) {
    if (!blocks(parts[i] ?? 0)) continue;
    const x = positions[i * 3] ?? 0;
    const y = positions[i * 3 + 1] ?? 0;
    const z = positions[i * 3 + 2] ?? 0;
    for (let d = 0; d < directionCount; d++) {
      const at = pixelOf(axes, d, x, y, z);
      const depth = dot(axes, d * 9 + 6, x, y, z);
      if (depth > (maps[at] ?? 0)) maps[at] = depth;
    }
  }
  return {
    at(x, y, z, nx, ny, nz) {
      let seen = false;
      let open = 0;
      let total = 0;
      for (let d = 0; d < directionCount; d++) {
        const facing = dot(axes, d * 9 + 6, nx, ny, nz);
        if (facing < -0.2) continue;
        const behind = (maps[pixelOf(axes, d, x, y, z)] ?? 0) - dot(axes, d * 9 + 6, x, y, z);
        const visible = clamp(2 - behind / bias, 0, 1);
        if (visible > 0) seen = true;
        if (facing > 0.08) {
          open += visible * facing;
          total += facing;
        }
      }
      return seen ? open / total : -1;
    },
  };
}

function pixelOf(axes: Float64Array, d: number, x: number, y: number, z: number): number {
  const column = clamp(
    Math.floor((dot(axes, d * 9, x, y, z) / span + 0.5) * mapSize),
    0,
    mapSize - 1,
  );
  const row = clamp(
    Math.floor((dot(axes, d * 9 + 3, x, y, z) / span + 0.5) * mapSize),
    0,
    mapSize - 1,
  );
  return (d * mapSize + row) * mapSize + column;
}

function dot(axes: Float64Array, at: number, x: number, y: number, z: number): number {
  return (axes[at] ?? 0) * x + (axes[at + 1] ?? 0) * y + (axes[at + 2] ?? 0) * z;
}

/** For each direction right, up and towards the viewer. The directions are a Fibonacci spiral on the sphere. */
function viewAxes(): Float64Array {
  const axes = new Float64Array(directionCount * 9);
  for (let d = 0; d < directionCount; d++) {
    const y = 1 - (2 * d + 1) / directionCount;
    const ring = Math.sqrt(1 - y * y);
    const angle = d * 2.399963229728653; // the golden angle
    const [fx, fz] = [ring * cos(angle), ring * sin(angle)];
    const right = [fz / ring, 0, -fx / ring] as const;
    const up = [y * right[2], fz * right[0] - fx * right[2], -y * right[0]] as const;
    axes.set([...right, ...up, fx, y, fz], d * 9);
  }
  return axes;
}
