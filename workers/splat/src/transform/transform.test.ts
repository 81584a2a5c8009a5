import assert from "node:assert/strict";
import { test } from "node:test";
import { cloud } from "../../test/shapes.ts";
import { type Splat, shRestCount, writeShBasis } from "../index.ts";
import {
  apply,
  identity,
  type Matrix3,
  multiply,
  quaternionOf,
  rotationAround,
  rotationOf,
  transpose,
  type Vector3,
} from "./matrix.ts";
import { transformSplat } from "./transform.ts";

const turn = multiply(
  rotationAround(0, 33),
  multiply(rotationAround(1, -71), rotationAround(2, 125)),
);
const mirror: Matrix3 = [[-1, 0, 0], identity[1], identity[2]];
const splat = cloud(25, 3);

/** Σ = R S Sᵀ Rᵀ */
function covariance({ rotations, scales }: Splat, i: number): Matrix3 {
  const [w = 1, x = 0, y = 0, z = 0] = rotations.subarray(i * 4, i * 4 + 4);
  const r = rotationOf([w, x, y, z]);
  const [a = 0, b = 0, c = 0] = scales
    .subarray(i * 3, i * 3 + 3)
    .map((value) => Math.exp(2 * value));
  return multiply(
    r,
    multiply(
      [
        [a, 0, 0],
        [0, b, 0],
        [0, 0, c],
      ],
      transpose(r),
    ),
  );
}

/** The first channel of splat `i`'s colour, less the constant ½, seen along the direction [x, y, z]. */
function colour({ shDc, shRest, shDegree }: Splat, i: number, [x, y, z]: Vector3): number {
  const basis = new Float64Array((shDegree + 1) ** 2);
  writeShBasis(basis, shDegree, x, y, z);
  let sum = (basis[0] ?? 0) * (shDc[i * 3] ?? 0);
  const rest = shRestCount(shDegree);
  for (let k = 0; k < rest; k++) {
    sum += (basis[k + 1] ?? 0) * (shRest[(i * rest + k) * 3] ?? 0);
  }
  return sum;
}

for (const [name, matrix] of [
  ["a turn", turn],
  ["a mirror", mirror],
  ["both", multiply(turn, mirror)],
] as const) {
  test(`${name} takes places, shapes and colours with it`, () => {
    const scale = 1.5;
    const moved = transformSplat(splat, { matrix, scale, offset: [1, 2, 3] });
    for (let i = 0; i < splat.count; i++) {
      const [x = 0, y = 0, z = 0] = splat.positions.subarray(i * 3, i * 3 + 3);
      const place = apply(matrix, [x, y, z]).map((value, axis) => value * scale + axis + 1);
      for (const [axis, value] of place.entries()) {
        assert.ok(Math.abs((moved.positions[i * 3 + axis] ?? 0) - value) < 1e-5);
      }
      const before = covariance(splat, i);
      const expected = multiply(matrix, multiply(before, transpose(matrix)));
      const after = covariance(moved, i);
      const size = Math.max(...before.flat().map(Math.abs));
      for (const [r, row] of after.entries()) {
        for (const [c, value] of row.entries()) {
          assert.ok(
            Math.abs(value - scale * scale * (expected[r]?.[c] ?? 0)) < 1e-5 * size,
            `Σ ${i}`,
          );
        }
      }
      // What was seen from d is now seen from M d.
      for (const d of [
        [1, 0, 0],
        [0, 1, 0],
        [0.6, -0.48, 0.64],
        [-0.36, 0.48, 0.8],
      ] as const) {
        assert.ok(
          Math.abs(colour(moved, i, apply(matrix, d)) - colour(splat, i, d)) < 1e-5,
          `colour ${i}`,
        );
      }
    }
  });
}

test("quarter turns keep round numbers, and four of them give everything back", () => {
  const quarter = rotationAround(0, 90);
  assert.deepEqual(apply(quarter, [1, 2, 3]), [1, -3, 2]);
  let turned = splat;
  for (let i = 0; i < 4; i++) {
    turned = transformSplat(turned, { matrix: quarter });
  }
  assert.deepEqual(turned.positions, splat.positions);
});

test("quaternions of matrices, from whichever part is largest", () => {
  for (const q of [
    [0.9, 0.1, 0.2, 0.3],
    [0.1, 0.9, 0.2, -0.3],
    [0.1, -0.2, 0.9, 0.3],
    [-0.1, 0.2, 0.3, 0.9],
  ] as const) {
    const length = Math.hypot(...q);
    const back = quaternionOf(rotationOf(q));
    const dot = q.reduce((sum, part, i) => sum + (part / length) * (back[i] ?? 0), 0);
    assert.ok(Math.abs(Math.abs(dot) - 1) < 1e-12);
  }
});
