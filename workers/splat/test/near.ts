import assert from "node:assert/strict";
import { AssetError, type AssetErrorCode, type Splat } from "../src/index.ts";

/** How far values may be from those that were written; infinite opacities are compared as opacities. */
export interface Tolerances {
  readonly positions: number;
  readonly scales: number;
  readonly opacities: number;
  readonly shDc: number;
  readonly shRest: number;
  /** 1 − |q·r| */
  readonly rotations: number;
}

export function assertNear(splat: Splat, expected: Splat, tolerances: Tolerances): void {
  assert.deepEqual([splat.count, splat.shDegree], [expected.count, expected.shDegree]);
  for (const name of ["positions", "scales", "shDc", "shRest"] as const) {
    assertClose(splat[name], expected[name], tolerances[name], name);
  }
  const opacities = (values: Float32Array) => values.map((value) => 1 / (1 + Math.exp(-value)));
  assertClose(
    opacities(splat.opacities),
    opacities(expected.opacities),
    tolerances.opacities,
    "opacity",
  );
  for (let i = 0; i < splat.count; i++) {
    assert.ok(rotationError(splat, expected, i) <= tolerances.rotations, `rotation ${i}`);
  }
}

export function assertClose(
  values: Float32Array,
  expected: Float32Array,
  tolerance: number,
  what: string,
): void {
  assert.equal(values.length, expected.length, what);
  for (let i = 0; i < values.length; i++) {
    const difference = Math.abs((values[i] ?? 0) - (expected[i] ?? 0));
    assert.ok(difference <= tolerance, `${what} ${i}: ${values[i]}, not ${expected[i]}`);
  }
}

/** 1 − |q·r| of unit quaternions: 0 when they are the same rotation. */
export function rotationError(a: Splat, b: Splat, i: number): number {
  const unit = ({ rotations }: Splat): readonly number[] => {
    const q = [...rotations.subarray(i * 4, i * 4 + 4)];
    return q.map((part) => part / Math.hypot(...q));
  };
  const other = unit(b);
  return 1 - Math.abs(unit(a).reduce((sum, part, index) => sum + part * (other[index] ?? 0), 0));
}

export async function assertRefused(
  reading: Promise<unknown>,
  code: AssetErrorCode,
  message: RegExp,
): Promise<void> {
  await assert.rejects(reading, (error) => {
    assert.ok(error instanceof AssetError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  });
}
