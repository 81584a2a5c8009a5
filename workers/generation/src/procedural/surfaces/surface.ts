/**
 * Surfaces as even grids of cells. A cell becomes one splat: a disc with the cell's two directions and lengths.
 *
 * S1. The first direction × the second points outwards.
 * S2. At a sharp edge cells get narrow, so that discs do not reach beyond it and silhouettes stay clean.
 */

/** A cell: its centre, and its two extents as vectors. */
export type Emit = (
  x: number,
  y: number,
  z: number,
  ux: number,
  uy: number,
  uz: number,
  vx: number,
  vy: number,
  vz: number,
) => void;

export interface Surface {
  /** @param spacing edge of a cell, in the surface's own units */
  sample(spacing: number, emit: Emit): void;
}

/** Cells along a line: centres and widths as fractions of its length. */
export interface Cells {
  readonly centres: Float64Array;
  readonly widths: Float64Array;
}

/** Widths of the cells next to a sharp edge, in spacings (S2). */
const edgeWidths = [0.3, 0.6] as const;

/** In spacings. */
const shortLine = 2.4;

/** Divides a line of this length evenly, with narrow cells at sharp ends. */
export function divide(
  length: number,
  spacing: number,
  sharpStart: boolean,
  sharpEnd: boolean,
  least = 1,
): Cells {
  // Short lines have no room for narrow cells, and small parts must not use up the splats: two cells, or one.
  if (length < shortLine * spacing) {
    return equal(Math.max(least, length < spacing ? 1 : 2));
  }
  const ends = (sharpStart ? 1 : 0) + (sharpEnd ? 1 : 0);
  const narrow = edgeWidths[0] + edgeWidths[1];
  const inner = Math.max(least, Math.round(length / spacing - ends * narrow));
  const weights: number[] = [];
  if (sharpStart) {
    weights.push(...edgeWidths);
  }
  for (let i = 0; i < inner; i++) {
    weights.push(1);
  }
  if (sharpEnd) {
    weights.push(edgeWidths[1], edgeWidths[0]);
  }
  const total = inner + ends * narrow;
  const centres = new Float64Array(weights.length);
  const widths = new Float64Array(weights.length);
  let at = 0;
  for (const [i, weight] of weights.entries()) {
    widths[i] = weight / total;
    centres[i] = (at + weight / 2) / total;
    at += weight;
  }
  return { centres, widths };
}

function equal(count: number): Cells {
  return {
    centres: Float64Array.from({ length: count }, (_, i) => (i + 0.5) / count),
    widths: new Float64Array(count).fill(1 / count),
  };
}

export function join(...surfaces: readonly Surface[]): Surface {
  return {
    sample: (spacing, emit) => {
      for (const surface of surfaces) {
        surface.sample(spacing, emit);
      }
    },
  };
}
