/** Where a pattern shows its second colour. Patterns are sized by the body that they are on. */
import type { Pattern } from "../grammar/index.ts";
import type { CellArrays } from "./cells.ts";
import type { Bounds } from "./point-cloud.ts";

export interface PatternMap {
  isSecond(x: number, y: number, z: number, nx: number, ny: number, nz: number): boolean;
}

/** Stripes and squares across the largest side of a body. */
const stripes = 9;
const squares = 5;
/** Distance and radius of dots, against the largest side. */
const dotDistance = 0.2;
const dotRadius = 0.068;

/** @param cells coarse cells of the body, for dots to sit on */
export function createPattern(
  pattern: Pattern,
  bounds: Bounds,
  cells: CellArrays,
  onBody: (part: number) => boolean,
): PatternMap {
  const extents = bounds.high.map((high, axis) => high - (bounds.low[axis] ?? 0));
  const largest = Math.max(...extents);
  const [mx, my, mz] = bounds.high.map((high, axis) => (high + (bounds.low[axis] ?? 0)) / 2);
  const middle = [mx ?? 0, my ?? 0, mz ?? 0] as const;
  switch (pattern) {
    case "striped": {
      // Level bands, unless the thing is flat: then along its length.
      const isFlat = (extents[1] ?? 0) < 0.4 * largest;
      const width = largest / stripes;
      return {
        isSecond: (x, y) => {
          const along = isFlat ? x - middle[0] : y - middle[1];
          return (Math.floor(along / width + 0.5) & 1) !== 0;
        },
      };
    }
    case "checkered": {
      const edge = largest / squares;
      // Looked up a little below the surface, so that a face on a border of squares is not torn.
      const depth = 0.2 * edge;
      return {
        isSecond: (x, y, z, nx, ny, nz) => {
          const i = Math.floor((x - depth * nx - middle[0]) / edge + 0.5);
          const j = Math.floor((y - depth * ny - middle[1]) / edge + 0.5);
          const k = Math.floor((z - depth * nz - middle[2]) / edge + 0.5);
          return ((i + j + k) & 1) !== 0;
        },
      };
    }
    case "dotted":
      return dots(cells, onBody, dotDistance * largest, dotRadius * largest);
  }
}

/** Dots on places of the surface that are at least `distance` apart. */
function dots(
  cells: CellArrays,
  onBody: (part: number) => boolean,
  distance: number,
  radius: number,
): PatternMap {
  const grid = new Map<number, number[]>();
  const key = (x: number, y: number, z: number): number =>
    (Math.floor(x / distance) + 512) * 1048576 +
    (Math.floor(y / distance) + 512) * 1024 +
    Math.floor(z / distance) +
    512;
  const nearest = (x: number, y: number, z: number): number => {
    let best = Number.POSITIVE_INFINITY;
    for (let i = -1; i <= 1; i++) {
      for (let j = -1; j <= 1; j++) {
        for (let k = -1; k <= 1; k++) {
          const centres = grid.get(key(x + i * distance, y + j * distance, z + k * distance)) ?? [];
          for (let c = 0; c < centres.length; c += 3) {
            const dx = (centres[c] ?? 0) - x;
            const dy = (centres[c + 1] ?? 0) - y;
            const dz = (centres[c + 2] ?? 0) - z;
            best = Math.min(best, dx * dx + dy * dy + dz * dz);
          }
        }
      }
    }
    return best;
  };
  for (let i = 0; i < cells.count; i++) {
    if (!onBody(cells.parts[i] ?? 0)) {
      continue;
    }
    const x = cells.positions[i * 3] ?? 0;
    const y = cells.positions[i * 3 + 1] ?? 0;
    const z = cells.positions[i * 3 + 2] ?? 0;
    if (nearest(x, y, z) < distance * distance) {
      continue;
    }
    const at = key(x, y, z);
    const centres = grid.get(at);
    if (centres === undefined) {
      grid.set(at, [x, y, z]);
    } else {
      centres.push(x, y, z);
    }
  }
  return { isSecond: (x, y, z) => nearest(x, y, z) < radius * radius };
}
