/** A closed polygon in the plane, filled with even cells. */
import { length3 } from "../maths.ts";
import { divide } from "./surface.ts";

/** Counter-clockwise, not crossing itself. */
export type Outline = readonly (readonly [number, number])[];

export interface FilledOutline {
  /** Distance of the innermost point from the border. */
  readonly inradius: number;
  /** Cells of the whole face: a grid inside, narrow rows along the border. Vectors u × v point to +z. */
  fill(
    spacing: number,
    emit: (x: number, y: number, ux: number, uy: number, vx: number, vy: number) => void,
  ): void;
  /** Grid points at least `inset` from the border, with their distance from it and the direction away from it. */
  grid(
    spacing: number,
    inset: number,
    emit: (x: number, y: number, distance: number, gx: number, gy: number) => void,
  ): void;
  /** Cells along the border, moved inwards by `inset`, with the border's direction times their length. */
  border(
    spacing: number,
    inset: number,
    emit: (x: number, y: number, tx: number, ty: number) => void,
  ): void;
}

/** Where the two border rows lie and how wide they are, in spacings; the grid begins behind them. */
const borderRows = [
  { inset: 0.15, width: 0.3 },
  { inset: 0.55, width: 0.55 },
] as const;
const gridInset = 0.85;

export function outlineOf(points: Outline): FilledOutline {
  const nearest = nearestOf(points);
  const bounds = boundsOf(points);
  const filled: FilledOutline = {
    inradius: inradiusOf(bounds, nearest),
    fill(spacing, emit) {
      for (const { inset, width } of borderRows) {
        filled.border(spacing, inset * spacing, (x, y, tx, ty) => {
          const l = length3(tx, ty, 0) || 1;
          const w = (width * spacing) / l;
          emit(x, y, tx, ty, -ty * w, tx * w);
        });
      }
      filled.grid(spacing, gridInset * spacing, (x, y) => emit(x, y, spacing, 0, 0, spacing));
    },
    grid(spacing, inset, emit) {
      const { lowX, lowY, highX, highY } = bounds;
      // Hexagonal: rows √3/2 apart, every other moved by half a cell; centred on the outline.
      const rowHeight = spacing * 0.866;
      const rows = Math.ceil((highY - lowY) / rowHeight);
      const columns = Math.ceil((highX - lowX) / spacing) + 1;
      for (let row = 0; row < rows; row++) {
        const y = (lowY + highY) / 2 + (row - (rows - 1) / 2) * rowHeight;
        for (let column = 0; column < columns; column++) {
          const x =
            (lowX + highX) / 2 + (column - (columns - 1) / 2 + (row % 2 ? 0.25 : -0.25)) * spacing;
          const near = nearest(x, y);
          if (near.inside && near.distance >= inset) {
            emit(x, y, near.distance, near.gx, near.gy);
          }
        }
      }
    },
    border(spacing, inset, emit) {
      for (const [i, a] of points.entries()) {
        const b = points[(i + 1) % points.length] ?? a;
        const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
        const length = length3(dx, dy, 0);
        if (length === 0) {
          continue;
        }
        const { centres, widths } = divide(length, spacing, false, false);
        for (let k = 0; k < centres.length; k++) {
          const t = centres[k] ?? 0;
          const x = a[0] + dx * t - (dy / length) * inset;
          const y = a[1] + dy * t + (dx / length) * inset;
          const near = nearest(x, y);
          // In a corner, another edge may be nearer: its own cells cover this place.
          if (!near.inside || near.distance < inset * 0.8) {
            continue;
          }
          emit(x, y, dx * (widths[k] ?? 0), dy * (widths[k] ?? 0));
        }
      }
    },
  };
  return filled;
}

interface Nearest {
  readonly inside: boolean;
  readonly distance: number;
  /** Away from the border, of length 1, for a point inside. */
  readonly gx: number;
  readonly gy: number;
}

function nearestOf(points: Outline): (x: number, y: number) => Nearest {
  const count = points.length;
  const edges = new Float64Array(count * 5);
  for (const [i, [x, y]] of points.entries()) {
    const [bx, by] = points[(i + 1) % count] ?? [x, y];
    const l2 = (bx - x) ** 2 + (by - y) ** 2;
    edges.set([x, y, bx - x, by - y, l2 > 0 ? 1 / l2 : 0], i * 5);
  }
  return (x, y) => {
    let best = Number.POSITIVE_INFINITY;
    let bestX = 0;
    let bestY = 0;
    let inside = false;
    for (let i = 0; i < edges.length; i += 5) {
      const ax = edges[i] ?? 0;
      const ay = edges[i + 1] ?? 0;
      const dx = edges[i + 2] ?? 0;
      const dy = edges[i + 3] ?? 0;
      let t = ((x - ax) * dx + (y - ay) * dy) * (edges[i + 4] ?? 0);
      t = t < 0 ? 0 : t > 1 ? 1 : t;
      const ex = x - ax - t * dx;
      const ey = y - ay - t * dy;
      const d = ex * ex + ey * ey;
      if (d < best) {
        best = d;
        bestX = ex;
        bestY = ey;
      }
      if (ay > y !== ay + dy > y && x < ax + ((y - ay) / dy) * dx) {
        inside = !inside;
      }
    }
    const distance = Math.sqrt(best);
    const f = distance > 0 ? 1 / distance : 0;
    return { inside, distance, gx: bestX * f, gy: bestY * f };
  };
}

interface Bounds {
  readonly lowX: number;
  readonly lowY: number;
  readonly highX: number;
  readonly highY: number;
}

function boundsOf(points: Outline): Bounds {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return {
    lowX: Math.min(...xs),
    lowY: Math.min(...ys),
    highX: Math.max(...xs),
    highY: Math.max(...ys),
  };
}

function inradiusOf(
  { lowX, lowY, highX, highY }: Bounds,
  nearest: (x: number, y: number) => Nearest,
): number {
  const steps = 40;
  let most = 0;
  for (let i = 1; i < steps; i++) {
    for (let j = 1; j < steps; j++) {
      const near = nearest(
        lowX + ((highX - lowX) * i) / steps,
        lowY + ((highY - lowY) * j) / steps,
      );
      if (near.inside) {
        most = Math.max(most, near.distance);
      }
    }
  }
  return most;
}
