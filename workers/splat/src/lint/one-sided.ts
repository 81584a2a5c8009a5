/**
 * A front without a back: looked through from a side, nothing lies behind what is seen. A closed object, however thin
 * its walls, has another wall behind nearly every point of its outline, whichever side one looks from; a card or a
 * relief has a side from which it has none.
 */
import type { Splat } from "../splat.ts";
import type { Extents } from "./axes.ts";
import { everyNth, type Visible } from "./visible.ts";

/** Directions around the object, over half a turn: the other half looks through the same lines. */
const directions = 12;
/** Cells along an edge of the picture: so many that those of the outline have some splats each. */
const mostCells = 96;
const splatsPerCell = 12;
/** Cells along an edge of the first picture, which says how large the outline is. */
const firstCells = 24;
/** Every n-th is looked at where there are more. */
const mostSplats = 12_000;
/** A splat covers at most this many cells to each side. */
const mostReach = 4;
/** Steps of depth over the picture's width. */
const depthSteps = 96;
/** Words of a cell that hold a bit for each of them. */
const depthWords = depthSteps / 32;
/** A surface is followed by another one behind a gap this deep, as shares of the largest extent and of a cell. */
const leastGap = { extent: 0.03, cells: 0.5 } as const;
/** What has no gap and is deeper than this is filled, as shares of the largest extent and of a cell. */
const leastFilled = { extent: 0.15, cells: 2 } as const;
/** Softer splats are neither front nor back. */
const leastOpacity = 0.1;

/** Share of the outline behind which nothing lies, from the side where it is largest; 0 to 1. */
export function oneSidedShare(splat: Splat, all: Visible, extents: Extents): number {
  const extent = extents.principal[0];
  if (extent <= 0) {
    return 1;
  }
  const visible = everyNth(all, Math.ceil(all.count / mostSplats));
  const kept: number[] = [];
  for (let i = 0; i < visible.count; i++) {
    if ((visible.opacities[i] ?? 0) >= leastOpacity) {
      kept.push(i);
    }
  }
  const outline = createOutline(splat, visible, kept, extents);
  let worst = 0;
  for (let d = 0; d < directions; d++) {
    const angle = (Math.PI * d) / directions;
    const share = outline(angle, firstCells).covered / firstCells ** 2;
    const side = Math.floor(Math.sqrt(kept.length / splatsPerCell / share));
    const { thin, covered } = outline(angle, Math.min(mostCells, Math.max(4, side)));
    if (covered > 0) {
      worst = Math.max(worst, thin / covered);
    }
  }
  return worst;
}

interface Outline {
  /** Cells of the picture with something in them. */
  readonly covered: number;
  /** Those of them with nothing behind it. */
  readonly thin: number;
}

/** What is seen of the splats `kept` from an angle around the vertical, in a picture of `side` × `side` cells. */
function createOutline(
  splat: Splat,
  { positions, indices }: Visible,
  kept: readonly number[],
  { centre, principal: [extent] }: Extents,
): (angle: number, side: number) => Outline {
  // x, y, z from the centre, and the covariance as far as it is needed.
  const places = new Float64Array(kept.length * 3);
  const shapes = new Float64Array(kept.length * shapeLength);
  kept.forEach((i, to) => {
    for (const axis of [0, 1, 2] as const) {
      places[to * 3 + axis] = (positions[i * 3 + axis] ?? 0) - centre[axis];
    }
    writeCovariance(shapes, to * shapeLength, splat, indices[i] ?? 0);
  });
  const depths = new Uint32Array(mostCells * mostCells * depthWords);
  // Room for what lies around the middle 98 %.
  const width = extent * 1.5;
  return (angle, side) => {
    const cells = depths.subarray(0, side * side * depthWords).fill(0);
    mark(cells, places, shapes, angle, side, width);
    return countCells(cells, side);
  };
}

/** Sets the steps of depth at which splats lie, a bit each. */
function mark(
  cells: Uint32Array,
  places: Float64Array,
  shapes: Float64Array,
  angle: number,
  side: number,
  width: number,
): void {
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
  const unit = side / width;
  for (let i = 0; i * 3 < places.length; i++) {
    const x = places[i * 3] ?? 0;
    const y = places[i * 3 + 1] ?? 0;
    const z = places[i * 3 + 2] ?? 0;
    const step = Math.floor(((x * sin + z * cos) / width + 0.5) * depthSteps);
    if (step < 0 || step >= depthSteps) {
      continue;
    }
    const at = i * shapeLength;
    const across =
      (shapes[at] ?? 0) * cos * cos -
      2 * (shapes[at + 1] ?? 0) * sin * cos +
      (shapes[at + 2] ?? 0) * sin * sin;
    const wide = reachOf(across, unit);
    const high = reachOf(shapes[at + 3] ?? 0, unit);
    const u = (x * cos - z * sin) * unit + side / 2;
    const v = y * unit + side / 2;
    const bottom = Math.min(side - 1, v + high);
    const left = Math.max(0, Math.floor(u - wide));
    const right = Math.min(side - 1, u + wide);
    for (let row = Math.max(0, Math.floor(v - high)); row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const word = (row * side + column) * depthWords + (step >> 5);
        cells[word] = (cells[word] ?? 0) | (1 << (step & 31));
      }
    }
  }
}

/** In cells. Splats smaller than a cell are in one only: others would make a slope look deep. */
function reachOf(variance: number, unit: number): number {
  return Math.max(0, Math.min(mostReach, Math.sqrt(Math.max(0, variance)) * unit - 0.5));
}

function countCells(cells: Uint32Array, side: number): Outline {
  const stepsOf = ({ extent: share, cells: count }: { extent: number; cells: number }): number =>
    Math.max(share / 1.5, count / side) * depthSteps;
  const [gap, filled] = [stepsOf(leastGap), stepsOf(leastFilled)];
  let covered = 0;
  let thin = 0;
  for (let at = 0; at < cells.length; at += depthWords) {
    // From the first to the last step that is taken, and the longest run between them that is not.
    let first = -1;
    let last = -1;
    let widestGap = 0;
    for (let word = 0; word < depthWords; word++) {
      for (let bits = cells[at + word] ?? 0; bits !== 0; bits &= bits - 1) {
        const step = word * 32 + 31 - Math.clz32(bits & -bits);
        if (first < 0) {
          first = step;
        } else {
          widestGap = Math.max(widestGap, step - last - 1);
        }
        last = step;
      }
    }
    if (first < 0) {
      continue;
    }
    covered++;
    if (widestGap < gap && last - first + 1 < filled) {
      thin++;
    }
  }
  return { covered, thin };
}

/** A splat's covariance as far as it is needed, in units²: xx, xz and zz of the horizontal plane, and yy. */
const shapeLength = 4;

function writeCovariance(
  shapes: Float64Array,
  at: number,
  { rotations, scales }: Splat,
  i: number,
): void {
  let w = rotations[i * 4] ?? 0;
  let x = rotations[i * 4 + 1] ?? 0;
  let y = rotations[i * 4 + 2] ?? 0;
  let z = rotations[i * 4 + 3] ?? 0;
  const length = Math.sqrt(w * w + x * x + y * y + z * z) || 1;
  w /= length;
  x /= length;
  y /= length;
  z /= length;
  const a = Math.exp(2 * (scales[i * 3] ?? 0));
  const b = Math.exp(2 * (scales[i * 3 + 1] ?? 0));
  const c = Math.exp(2 * (scales[i * 3 + 2] ?? 0));
  const x0 = 1 - 2 * (y * y + z * z);
  const x1 = 2 * (x * y - w * z);
  const x2 = 2 * (x * z + w * y);
  const y0 = 2 * (x * y + w * z);
  const y1 = 1 - 2 * (x * x + z * z);
  const y2 = 2 * (y * z - w * x);
  const z0 = 2 * (x * z - w * y);
  const z1 = 2 * (y * z + w * x);
  const z2 = 1 - 2 * (x * x + y * y);
  shapes[at] = x0 * x0 * a + x1 * x1 * b + x2 * x2 * c;
  shapes[at + 1] = x0 * z0 * a + x1 * z1 * b + x2 * z2 * c;
  shapes[at + 2] = z0 * z0 * a + z1 * z1 * b + z2 * z2 * c;
  shapes[at + 3] = y0 * y0 * a + y1 * y1 * b + y2 * y2 * c;
}
