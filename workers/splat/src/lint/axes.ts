/** The asset's own axes, so that a card is flat however it is turned. */
import { everyNth, type Visible, weightedQuantile } from "./visible.ts";

export interface Extents {
  /** Middle of the box. */
  readonly centre: readonly [number, number, number];
  /** Sides of the box along x, y and z. */
  readonly box: readonly [number, number, number];
  /** Along the principal axes, largest first. */
  readonly principal: readonly [number, number, number];
}

/** Extents cover the middle 98 % of the opacity along each axis, so that a few splats far away change nothing. */
const middle = [0.01, 0.99] as const;
/** Every n-th splat is looked at where there are more. */
const mostSplats = 8_000;

export function extentsOf(all: Visible): Extents {
  const visible = everyNth(all, Math.ceil(all.count / mostSplats));
  const range = (axis: Axis): readonly [number, number] => {
    const values = new Float32Array(visible.count);
    for (let i = 0; i < visible.count; i++) {
      values[i] =
        axis[0] * (visible.positions[i * 3] ?? 0) +
        axis[1] * (visible.positions[i * 3 + 1] ?? 0) +
        axis[2] * (visible.positions[i * 3 + 2] ?? 0);
    }
    const [low = 0, high = 0] = weightedQuantile(values, visible.opacities, middle);
    return [low, high];
  };
  const along = (axis: Axis): number => {
    const [low, high] = range(axis);
    return high - low;
  };
  const box = [range([1, 0, 0]), range([0, 1, 0]), range([0, 0, 1])] as const;
  const side = (axis: 0 | 1 | 2): number => box[axis][1] - box[axis][0];
  const centre = (axis: 0 | 1 | 2): number => (box[axis][1] + box[axis][0]) / 2;
  const [a, b, c] = principalAxes(covarianceOf(visible));
  const [large = 0, mid = 0, small = 0] = [along(a), along(b), along(c)].toSorted((x, y) => y - x);
  return {
    box: [side(0), side(1), side(2)],
    centre: [centre(0), centre(1), centre(2)],
    principal: [large, mid, small],
  };
}

/** Symmetric, by rows. */
type Matrix3 = [number, number, number][];

function covarianceOf({ count, positions, opacities }: Visible): Matrix3 {
  const mean = [0, 0, 0];
  let total = 0;
  for (let i = 0; i < count; i++) {
    const weight = opacities[i] ?? 0;
    total += weight;
    for (let axis = 0; axis < 3; axis++) {
      mean[axis] = (mean[axis] ?? 0) + weight * (positions[i * 3 + axis] ?? 0);
    }
  }
  const [mx = 0, my = 0, mz = 0] = mean.map((sum) => sum / total);
  const [xx, xy, xz, yy, yz, zz] = [0, 1, 2, 3, 4, 5];
  const sums = new Float64Array(6);
  for (let i = 0; i < count; i++) {
    const weight = opacities[i] ?? 0;
    const x = (positions[i * 3] ?? 0) - mx;
    const y = (positions[i * 3 + 1] ?? 0) - my;
    const z = (positions[i * 3 + 2] ?? 0) - mz;
    [x * x, x * y, x * z, y * y, y * z, z * z].forEach((product, index) => {
      sums[index] = (sums[index] ?? 0) + weight * product;
    });
  }
  const at = (index: number): number => sums[index] ?? 0;
  return [
    [at(xx), at(xy), at(xz)],
    [at(xy), at(yy), at(yz)],
    [at(xz), at(yz), at(zz)],
  ];
}

type Axis = readonly [number, number, number];

/** Eigenvectors by Jacobi's rotations; a dozen sweeps bring the rest of a 3 × 3 matrix to nothing. */
function principalAxes(matrix: Matrix3): readonly [Axis, Axis, Axis] {
  const a = matrix.map((row) => [...row]);
  const v = [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ];
  const get = (m: number[][], row: number, column: number): number => m[row]?.[column] ?? 0;
  const turn = (m: number[][], p: number, q: number, c: number, s: number): void => {
    for (const row of m) {
      const [x = 0, y = 0] = [row[p], row[q]];
      row[p] = c * x - s * y;
      row[q] = s * x + c * y;
    }
  };
  const transpose = (m: number[][]): number[][] =>
    [0, 1, 2].map((i) => [0, 1, 2].map((j) => get(m, j, i)));
  let rotated = a;
  for (let sweep = 0; sweep < 12; sweep++) {
    for (const [p, q] of [
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const) {
      const off = get(rotated, p, q);
      if (off === 0) {
        continue;
      }
      const angle = 0.5 * Math.atan2(2 * off, get(rotated, q, q) - get(rotated, p, p));
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      turn(rotated, p, q, c, s);
      rotated = transpose(rotated);
      turn(rotated, p, q, c, s);
      turn(v, p, q, c, s);
    }
  }
  const column = (j: number): Axis => [get(v, 0, j), get(v, 1, j), get(v, 2, j)];
  return [column(0), column(1), column(2)];
}
