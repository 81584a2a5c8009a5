/** The surfaces of placed parts as cells, in arrays. */
import { type Affine, determinant } from "./affine.ts";
import type { PlacedPart } from "./layout.ts";
import { length3 } from "./maths.ts";
import { scaleOf } from "./point-cloud.ts";

/** N cells. `u` and `v` are their two extents; normal = u × v, of length 1. */
export interface CellArrays {
  readonly count: number;
  readonly positions: Float32Array;
  readonly normals: Float32Array;
  readonly u: Float32Array;
  readonly v: Float32Array;
  /** Index into the placed parts. */
  readonly parts: Uint16Array;
}

/** Told before each part's cells are made; throws to end the work. */
export type Checkpoint = () => void;

/**
 * @param spacing edge of a cell in the asset's units
 * @param limit more cells than this are left out
 */
export function sampleCells(
  placed: readonly PlacedPart[],
  spacing: number,
  limit: number,
  checkpoint: Checkpoint,
): CellArrays {
  const cells = {
    positions: new Float32Array(limit * 3),
    normals: new Float32Array(limit * 3),
    u: new Float32Array(limit * 3),
    v: new Float32Array(limit * 3),
    parts: new Uint16Array(limit),
  };
  let count = 0;
  for (const [index, { part, place }] of placed.entries()) {
    checkpoint();
    const mirror = determinant(place) < 0;
    part.surface.sample(spacing / scaleOf(place), (x, y, z, ux, uy, uz, vx, vy, vz) => {
      if (count === limit) return;
      const at = count * 3;
      if (mirror) {
        writeVector(cells.u, at, place, vx, vy, vz);
        writeVector(cells.v, at, place, ux, uy, uz);
      } else {
        writeVector(cells.u, at, place, ux, uy, uz);
        writeVector(cells.v, at, place, vx, vy, vz);
      }
      if (!writeNormal(cells, at)) return;
      writeVector(cells.positions, at, place, x, y, z);
      cells.positions[at] = (cells.positions[at] ?? 0) + place[3];
      cells.positions[at + 1] = (cells.positions[at + 1] ?? 0) + place[7];
      cells.positions[at + 2] = (cells.positions[at + 2] ?? 0) + place[11];
      cells.parts[count] = index;
      count++;
    });
  }
  return { count, ...cells };
}

function writeVector(
  target: Float32Array,
  at: number,
  m: Affine,
  x: number,
  y: number,
  z: number,
): void {
  target[at] = m[0] * x + m[1] * y + m[2] * z;
  target[at + 1] = m[4] * x + m[5] * y + m[6] * z;
  target[at + 2] = m[8] * x + m[9] * y + m[10] * z;
}

/** False when the cell has no area. */
function writeNormal(
  cells: { readonly normals: Float32Array; readonly u: Float32Array; readonly v: Float32Array },
  at: number,
): boolean {
  const { normals, u, v } = cells;
  const [a = 0, b = 0, c = 0] = u.subarray(at, at + 3);
  const [d = 0, e = 0, f = 0] = v.subarray(at, at + 3);
  const x = b * f - c * e;
  const y = c * d - a * f;
  const z = a * e - b * d;
  const length = length3(x, y, z);
  if (!(length > 1e-12)) return false;
  normals[at] = x / length;
  normals[at + 1] = y / length;
  normals[at + 2] = z / length;
  return true;
}
