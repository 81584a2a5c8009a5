import assert from "node:assert/strict";
import { test } from "node:test";
import type { Splat } from "@turntable/splat";
import { placeOf } from "./place.ts";

function splatsAt(xs: readonly number[], opacities: readonly number[]): Splat {
  const { length: count } = xs;
  return {
    count,
    shDegree: 0,
    positions: Float32Array.from(xs.flatMap((x) => [x, 1, -1])),
    scales: new Float32Array(count * 3),
    rotations: new Float32Array(count * 4),
    opacities: Float32Array.from(opacities),
    shDc: new Float32Array(count * 3),
    shRest: new Float32Array(0),
  };
}

test("few splats far outside, and those that nobody sees, do not move the eye", () => {
  const xs = Array.from({ length: 1_000 }, (_, i) => 5 + (i % 11) / 10);
  const far = [...xs, ...new Array<number>(10).fill(400), ...new Array<number>(900).fill(-90)];
  const opacities = far.map((x) => (x < 0 ? -9 : 3));
  const { centre, reach } = placeOf(splatsAt(far, opacities));
  assert.ok(Math.abs(centre[0] - 5.5) < 0.1 && centre[1] === 1 && centre[2] === -1);
  assert.ok(reach < 0.7, `${reach}`);
});

test("where nothing can be seen it is the origin", () => {
  assert.deepEqual(placeOf(splatsAt([3], [-9])), { centre: [0, 0, 0], reach: 0 });
});
