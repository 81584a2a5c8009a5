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
  const shapes = kept.map((i) => horizontalCovariance(splat, visible.indices[i] ?? 0));
  let worst = 0;
  for (let d = 0; d < directions; d++) {
    const angle = (Math.PI * d) / directions;
    const look = (side: number) => outlineOf(visible, kept, shapes, angle, extents, side);
    const outline = look(firstCells).covered / firstCells ** 2;
    const side = Math.floor(Math.sqrt(kept.length / splatsPerCell / outline));
    const { thin, covered } = look(Math.min(mostCells, Math.max(4, side)));
    if (covered > 0) {
      worst = Math.max(worst, thin / covered);
    }
  }
  return worst;
}

/** Cells of the picture with something in them, and those of them with nothing behind it. */
function outlineOf(
  { positions }: Visible,
  kept: readonly number[],
  shapes: readonly Covariance[],
  angle: number,
  { centre, principal: [extent] }: Extents,
  side: number,
): { readonly covered: number; readonly thin: number } {
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
  const columns = new Uint8Array(side * side * depthSteps);
  // Room for what lies around the middle 98 %.
  const width = extent * 1.5;
  const unit = side / width;
  kept.forEach((i, index) => {
    const { xx, xz, zz, yy } = shapes[index] ?? none;
    const x = (positions[i * 3] ?? 0) - centre[0];
    const y = (positions[i * 3 + 1] ?? 0) - centre[1];
    const z = (positions[i * 3 + 2] ?? 0) - centre[2];
    const step = Math.floor(((x * sin + z * cos) / width + 0.5) * depthSteps);
    if (step < 0 || step >= depthSteps) {
      return;
    }
    // Splats smaller than a cell are in one only: others would make a slope look deep.
    const reach = (variance: number): number =>
      Math.max(0, Math.min(mostReach, Math.sqrt(Math.max(0, variance)) * unit - 0.5));
    const wide = reach(xx * cos * cos - 2 * xz * sin * cos + zz * sin * sin);
    const high = reach(yy);
    const u = (x * cos - z * sin) * unit + side / 2;
    const v = y * unit + side / 2;
    const [top, bottom] = [Math.max(0, Math.floor(v - high)), Math.min(side - 1, v + high)];
    const [left, right] = [Math.max(0, Math.floor(u - wide)), Math.min(side - 1, u + wide)];
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        columns[(row * side + column) * depthSteps + step] = 1;
      }
    }
  });
  const stepsOf = ({ extent: share, cells }: { extent: number; cells: number }): number =>
    Math.max(share / 1.5, cells / side) * depthSteps;
  const [gap, filled] = [stepsOf(leastGap), stepsOf(leastFilled)];
  let covered = 0;
  let thin = 0;
  for (let cell = 0; cell < side * side; cell++) {
    const { span, widestGap } = depthsOf(columns, cell * depthSteps);
    if (span === 0) {
      continue;
    }
    covered++;
    if (widestGap < gap && span < filled) {
      thin++;
    }
  }
  return { covered, thin };
}

/** From the first to the last step that is taken, and the longest run between them that is not. */
function depthsOf(columns: Uint8Array, from: number) {
  let first = -1;
  let last = -1;
  let widestGap = 0;
  for (let step = 0; step < depthSteps; step++) {
    if (columns[from + step] === 0) {
      continue;
    }
    if (first < 0) {
      first = step;
    } else {
      widestGap = Math.max(widestGap, step - last - 1);
    }
    last = step;
  }
  return { span: first < 0 ? 0 : last - first + 1, widestGap };
}

/** A splat's covariance as far as it is needed, in units²: the horizontal plane, and the height alone. */
interface Covariance {
  readonly xx: number;
  readonly xz: number;
  readonly zz: number;
  readonly yy: number;
}
const none: Covariance = { xx: 0, xz: 0, zz: 0, yy: 0 };

function horizontalCovariance({ rotations, scales }: Splat, i: number): Covariance {
  const part = (k: number): number => rotations[i * 4 + k] ?? 0;
  const length = Math.hypot(part(0), part(1), part(2), part(3)) || 1;
  const [w, x, y, z] = [part(0) / length, part(1) / length, part(2) / length, part(3) / length];
  const variance = (k: number): number => Math.exp(2 * (scales[i * 3 + k] ?? 0));
  const [a, b, c] = [variance(0), variance(1), variance(2)];
  const rows = [
    [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
    [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
    [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
  ] as const;
  const product = (p: 0 | 1 | 2, q: 0 | 1 | 2): number =>
    rows[p][0] * rows[q][0] * a + rows[p][1] * rows[q][1] * b + rows[p][2] * rows[q][2] * c;
  return { xx: product(0, 0), xz: product(0, 2), zz: product(2, 2), yy: product(1, 1) };
}
