/** The surfaces of placed parts as cells, in arrays. */
import { type Affine, determinant } from "./affine.ts";
import type { PlacedPart } from "./layout.ts";
import { length3 } from "./maths.ts";
import { scaleOf } from "./point-cloud.ts";

/** N cells. `u` and `v` are their two extents; normal = u × v, of length 1. Arrays may be longer than N. */
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
 * @param expected about how many cells there will be
 */
export function sampleCells(
  placed: readonly PlacedPart[],
  spacing: number,
  expected: number,
  checkpoint: Checkpoint,
): CellArrays {
  let cells = emptyCells(Math.ceil(expected));
  let count = 0;
  for (const [index, { part, place }] of placed.entries()) {
    checkpoint();
    const mirror = determinant(place) < 0;
    part.surface.sample(spacing / scaleOf(place), (x, y, z, ux, uy, uz, vx, vy, vz) => {
      if (count === cells.parts.length) {
        cells = grown(cells);
      }
      const at = count * 3;
      writeVector(mirror ? cells.v : cells.u, at, place, ux, uy, uz);
      writeVector(mirror ? cells.u : cells.v, at, place, vx, vy, vz);
      if (!writeNormal(cells, at)) {
        return;
      }
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

type Columns = Omit<CellArrays, "count">;

function emptyCells(capacity: number): Columns {
  return {
    positions: new Float32Array(capacity * 3),
    normals: new Float32Array(capacity * 3),
    u: new Float32Array(capacity * 3),
    v: new Float32Array(capacity * 3),
    parts: new Uint16Array(capacity),
  };
}

function grown(cells: Columns): Columns {
  const larger = emptyCells(Math.ceil(cells.parts.length * 1.5) + 64);
  larger.positions.set(cells.positions);
  larger.normals.set(cells.normals);
  larger.u.set(cells.u);
  larger.v.set(cells.v);
  larger.parts.set(cells.parts);
  return larger;
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
function writeNormal({ normals, u, v }: Columns, at: number): boolean {
  const a = u[at] ?? 0;
  const b = u[at + 1] ?? 0;
  const c = u[at + 2] ?? 0;
  const d = v[at] ?? 0;
  const e = v[at + 1] ?? 0;
  const f = v[at + 2] ?? 0;
  const x = b * f - c * e;
  const y = c * d - a * f;
  const z = a * e - b * d;
  const length = length3(x, y, z);
  if (!(length > 1e-12)) {
    return false;
  }
  normals[at] = x / length;
  normals[at + 1] = y / length;
  normals[at + 2] = z / length;
  return true;
}
