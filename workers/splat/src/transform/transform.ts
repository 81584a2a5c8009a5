/** A splat turned, mirrored, scaled and moved, with all that depends on how it lies: rotations and harmonics too. */

import { writeShBasis } from "../spherical-harmonics.ts";
import type { Splat } from "../splat.ts";
import { shRestCount } from "../splat.ts";
import {
  apply,
  determinant,
  type Matrix3,
  quaternionOf,
  scaled,
  transpose,
  type Vector3,
} from "./matrix.ts";

export interface Similarity {
  /** Turns, or turns and mirrors: its rows are of length 1 and at right angles. */
  readonly matrix: Matrix3;
  /** Above 0, 1 when absent. */
  readonly scale?: number;
  readonly offset?: Vector3;
}

export function transformSplat(splat: Splat, similarity: Similarity): Splat {
  const { matrix, scale = 1, offset = [0, 0, 0] } = similarity;
  const [ox, oy, oz] = offset;
  const [a, b, c] = scaled(matrix, scale);
  const positions = new Float32Array(splat.positions.length);
  for (let i = 0; i < positions.length; i += 3) {
    const [x = 0, y = 0, z = 0] = splat.positions.subarray(i, i + 3);
    positions[i] = a[0] * x + a[1] * y + a[2] * z + ox;
    positions[i + 1] = b[0] * x + b[1] * y + b[2] * z + oy;
    positions[i + 2] = c[0] * x + c[1] * y + c[2] * z + oz;
  }
  const growth = Math.log(scale);
  return {
    ...splat,
    positions,
    scales: growth === 0 ? splat.scales : splat.scales.map((value) => value + growth),
    rotations: turned(splat.rotations, matrix),
    shRest: withTurnedHarmonics(splat, matrix),
  };
}

/** An ellipsoid is the same when it is mirrored in its centre, so a mirror and that together, which turn, do for it. */
function turned(rotations: Float32Array, matrix: Matrix3): Float32Array {
  const [w, x, y, z] = quaternionOf(determinant(matrix) < 0 ? scaled(matrix, -1) : matrix);
  const result = new Float32Array(rotations.length);
  for (let i = 0; i < rotations.length; i += 4) {
    const [qw = 1, qx = 0, qy = 0, qz = 0] = rotations.subarray(i, i + 4);
    result[i] = w * qw - x * qx - y * qy - z * qz;
    result[i + 1] = w * qx + x * qw + y * qz - z * qy;
    result[i + 2] = w * qy - x * qz + y * qw + z * qx;
    result[i + 3] = w * qz + x * qy - y * qx + z * qw;
  }
  return result;
}

/** Each band is turned by a matrix of its own: the bands do not mix. */
function withTurnedHarmonics(splat: Splat, matrix: Matrix3): Float32Array {
  const { count, shDegree } = splat;
  if (shDegree === 0) {
    return splat.shRest;
  }
  const perSplat = shRestCount(shDegree) * 3;
  const result = new Float32Array(splat.shRest.length);
  for (let band = 1; band <= shDegree; band++) {
    const size = 2 * band + 1;
    const turn = harmonicsTurnedBy(matrix, band);
    const start = shRestCount(band === 1 ? 0 : band === 2 ? 1 : 2) * 3;
    for (let i = 0; i < count; i++) {
      const at = i * perSplat + start;
      for (let to = 0; to < size; to++) {
        for (let channel = 0; channel < 3; channel++) {
          let sum = 0;
          for (let from = 0; from < size; from++) {
            sum += (turn[to * size + from] ?? 0) * (splat.shRest[at + from * 3 + channel] ?? 0);
          }
          result[at + to * 3 + channel] = sum;
        }
      }
    }
  }
  return result;
}

/**
 * The matrix D of a band with Σ (D c)ₖ Yₖ(d) = Σ cₖ Yₖ(Mᵀ d): what was seen from Mᵀ d is now seen from d. Solved from as
 * many directions as there are coefficients, spread so that the equations are far from singular.
 */
function harmonicsTurnedBy(matrix: Matrix3, band: number): Float64Array {
  const size = 2 * band + 1;
  const back = transpose(matrix);
  const directions = spread(size);
  const here = directions.map((direction) => basisOf(band, direction));
  const before = directions.map((direction) => basisOf(band, apply(back, direction)));
  return solve(here, before, size);
}

function basisOf(band: number, [x, y, z]: Vector3): readonly number[] {
  const basis = new Float64Array((band + 1) ** 2);
  writeShBasis(basis, band, x, y, z);
  return [...basis.subarray(band ** 2)];
}

/** On a spiral over the half sphere: opposite directions tell nothing new of a band. */
function spread(count: number): readonly Vector3[] {
  const golden = Math.PI * (3 - Math.sqrt(5));
  return Array.from({ length: count }, (_, i) => {
    const z = (i + 0.5) / count;
    const r = Math.sqrt(1 - z * z);
    return [r * Math.cos(i * golden), r * Math.sin(i * golden), z];
  });
}

/** X of A X = B, by elimination with row pivots; all of `size` rows and columns. */
function solve(
  a: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
  size: number,
): Float64Array {
  const rows = a.map((row, i) => Float64Array.from([...row, ...(b[i] ?? [])]));
  const at = (row: number, column: number): number => rows[row]?.[column] ?? 0;
  for (let pivot = 0; pivot < size; pivot++) {
    let best = pivot;
    for (let row = pivot + 1; row < size; row++) {
      if (Math.abs(at(row, pivot)) > Math.abs(at(best, pivot))) {
        best = row;
      }
    }
    const [chosen, other] = [rows[best], rows[pivot]];
    if (chosen === undefined || other === undefined) {
      throw new RangeError("no such row");
    }
    [rows[pivot], rows[best]] = [chosen, other];
    const divisor = at(pivot, pivot);
    for (const [column, value] of chosen.entries()) {
      chosen[column] = value / divisor;
    }
    for (const row of rows) {
      const factor = row[pivot] ?? 0;
      if (row === chosen || factor === 0) {
        continue;
      }
      for (const [column, value] of row.entries()) {
        row[column] = value - factor * (chosen[column] ?? 0);
      }
    }
  }
  return Float64Array.from({ length: size * size }, (_, i) =>
    at(Math.floor(i / size), size + (i % size)),
  );
}
