import { length3 } from "../maths.ts";
import { divide, type Surface } from "./surface.ts";

/** A point of a surface by two parameters in 0 to 1, written to `out`. ∂u × ∂v points outwards. */
export type PatchPoint = (u: number, v: number, out: Float64Array) => void;

export interface PatchOptions {
  /** v = 1 is v = 0 again. */
  readonly ring?: boolean;
  /** Which of the borders u = 0, u = 1, v = 0, v = 1 are sharp edges. */
  readonly sharp?: readonly [boolean, boolean, boolean, boolean];
}

const smooth = [false, false, false, false] as const;
/** Pieces that a line is measured in. */
const pieces = 32;
/** A thin tube's discs must stay narrow against its radius, or they stand out from it on both sides. */
const leastAround = 6;
/** Step of the difference quotients. */
const step = 1e-4;

/** A surface by its formula: rows along u of equal width, each divided along v by its own length. */
export function patch(
  point: PatchPoint,
  { ring = false, sharp = smooth }: PatchOptions = {},
): Surface {
  const a = new Float64Array(3);
  const b = new Float64Array(3);
  const c = new Float64Array(3);
  const along = new Float64Array(pieces + 1);
  const across = new Float64Array(pieces + 1);
  return {
    sample(spacing, emit) {
      measure(point, longestLine(point, along), true, along);
      const lengthU = along[pieces] ?? 0;
      const rows = divide(lengthU, spacing, sharp[0], sharp[1]);
      for (let i = 0; i < rows.centres.length; i++) {
        const u = locate(along, rows.centres[i] ?? 0);
        measure(point, u, false, across);
        const lengthV = across[pieces] ?? 0;
        const cells = divide(lengthV, spacing, sharp[2], sharp[3], ring ? leastAround : 1);
        const height = (rows.widths[i] ?? 0) * lengthU;
        // Every other row of a ring is moved by half a cell: discs in a brick pattern leave the smallest gaps.
        const shift = ring && i % 2 === 1 ? 0.5 / cells.centres.length : 0;
        for (let j = 0; j < cells.centres.length; j++) {
          const v = locate(across, (cells.centres[j] ?? 0) + shift);
          const width = (cells.widths[j] ?? 0) * lengthV;
          const du = u < 0.5 ? step : -step;
          const dv = v < 0.5 ? step : -step;
          point(u, v, a);
          point(u + du, v, b);
          point(u, v + dv, c);
          emitCell(a, b, c, du > 0 ? height : -height, dv > 0 ? width : -width);
        }
      }
      function emitCell(
        at: Float64Array,
        up: Float64Array,
        side: Float64Array,
        h: number,
        w: number,
      ) {
        const [x = 0, y = 0, z = 0] = at;
        const ux = (up[0] ?? 0) - x;
        const uy = (up[1] ?? 0) - y;
        const uz = (up[2] ?? 0) - z;
        const vx = (side[0] ?? 0) - x;
        const vy = (side[1] ?? 0) - y;
        const vz = (side[2] ?? 0) - z;
        const lu = length3(ux, uy, uz);
        const lv = length3(vx, vy, vz);
        if (lu === 0 || lv === 0) {
          return; // a pole: it has no area
        }
        const fu = h / lu;
        const fv = w / lv;
        emit(x, y, z, ux * fu, uy * fu, uz * fu, vx * fv, vy * fv, vz * fv);
      }
    },
  };
}

/** The v whose u-line is the longest of three. */
function longestLine(point: PatchPoint, scratch: Float64Array): number {
  let best = 0.5;
  let most = -1;
  for (const v of [0.5, 0.17, 0.83]) {
    measure(point, v, true, scratch);
    const length = scratch[pieces] ?? 0;
    if (length > most * 1.0001) {
      most = length;
      best = v;
    }
  }
  return best;
}

const previous = new Float64Array(3);
const next = new Float64Array(3);

/** Lengths from the start of the line at `fixed` to each of its pieces' ends. */
function measure(point: PatchPoint, fixed: number, alongU: boolean, lengths: Float64Array): void {
  lengths[0] = 0;
  let total = 0;
  for (let i = 0; i <= pieces; i++) {
    const t = i / pieces;
    if (alongU) {
      point(t, fixed, next);
    } else {
      point(fixed, t, next);
    }
    if (i > 0) {
      total += length3(
        (next[0] ?? 0) - (previous[0] ?? 0),
        (next[1] ?? 0) - (previous[1] ?? 0),
        (next[2] ?? 0) - (previous[2] ?? 0),
      );
      lengths[i] = total;
    }
    previous.set(next);
  }
}

/** The parameter at a fraction of the measured length; fractions above 1 begin again. */
function locate(lengths: Float64Array, fraction: number): number {
  const total = lengths[pieces] ?? 0;
  if (total === 0) {
    return fraction;
  }
  const target = (fraction >= 1 ? fraction - 1 : fraction) * total;
  let low = 0;
  let high = pieces;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((lengths[middle] ?? 0) <= target) {
      low = middle;
    } else {
      high = middle;
    }
  }
  const start = lengths[low] ?? 0;
  const end = lengths[high] ?? 0;
  return (low + (end > start ? (target - start) / (end - start) : 0)) / pieces;
}
