/**
 * How open a place is: depth maps of the whole asset from many directions, as if the camera stood everywhere around
 * it. What no direction sees is inside and needs no splat; what few directions see lies in a corner and is darker.
 */
import type { CellArrays } from "./cells.ts";
import { clamp, cos, sin } from "./maths.ts";

const directionCount = 60;
/** Width of the maps in units: more than the asset's diagonal. */
const span = 2.2;

/** How finely it is looked at. */
export interface Detail {
  /** Pixels across a map. */
  readonly mapSize: number;
  /** The edge of the cells that the maps are drawn from, in units: less than a pixel, or light falls through. */
  readonly occluderSpacing: number;
  /** Depth differences of less than this are the same surface; twice as much is fully hidden. */
  readonly bias: number;
}

/** Assets of few splats can't show fine shadows. */
const fewSplats = 6_000;

export function detailFor(splats: number): Detail {
  const mapSize = splats < fewSplats ? 60 : 112;
  const pixel = span / mapSize;
  return { mapSize, occluderSpacing: pixel * 0.75, bias: pixel * 1.6 };
}

export interface Visibility {
  /** 0 (in a corner) to 1 (nothing near), or -1: not seen from anywhere. */
  at(x: number, y: number, z: number, nx: number, ny: number, nz: number): number;
}

/** @param blocks whether the part of this index hides what is behind it */
export function createVisibility(
  { mapSize, bias }: Detail,
  occluders: CellArrays,
  blocks: (part: number) => boolean,
): Visibility {
  const axes = viewAxes();
  const pixelOf = (d: number, x: number, y: number, z: number): number => {
    const column = Math.floor((dot(axes, d * 9, x, y, z) / span + 0.5) * mapSize);
    const row = Math.floor((dot(axes, d * 9 + 3, x, y, z) / span + 0.5) * mapSize);
    return (d * mapSize + clamp(row, 0, mapSize - 1)) * mapSize + clamp(column, 0, mapSize - 1);
  };
  const maps = new Float32Array(directionCount * mapSize * mapSize).fill(-1e9);
  const { positions, parts } = occluders;
  for (let i = 0; i < occluders.count; i++) {
    if (!blocks(parts[i] ?? 0)) {
      continue;
    }
    const x = positions[i * 3] ?? 0;
    const y = positions[i * 3 + 1] ?? 0;
    const z = positions[i * 3 + 2] ?? 0;
    for (let d = 0; d < directionCount; d++) {
      const at = pixelOf(d, x, y, z);
      const depth = dot(axes, d * 9 + 6, x, y, z);
      if (depth > (maps[at] ?? 0)) {
        maps[at] = depth;
      }
    }
  }
  return {
    at(x, y, z, nx, ny, nz) {
      let seen = false;
      let open = 0;
      let total = 0;
      for (let d = 0; d < directionCount; d++) {
        const facing = dot(axes, d * 9 + 6, nx, ny, nz);
        if (facing < -0.2) {
          continue;
        }
        const behind = (maps[pixelOf(d, x, y, z)] ?? 0) - dot(axes, d * 9 + 6, x, y, z);
        const visible = clamp(2 - behind / bias, 0, 1);
        if (visible > 0) {
          seen = true;
        }
        if (facing > 0.08) {
          open += visible * facing;
          total += facing;
        }
      }
      return seen ? open / total : -1;
    },
  };
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
