import assert from "node:assert/strict";
import { test } from "node:test";
import { orbitCamera } from "../camera.ts";
import { mulberry32 } from "../test-scenes.ts";
import { writeDepthOrder } from "./depth-order.ts";

const camera = orbitCamera(
  { azimuthDeg: 0, elevationDeg: 0, radius: 2 },
  { size: 64, fovyDeg: 49.1 },
);

/** Splats on the camera's axis, at these depths before it. */
function atDepths(depths: readonly number[]) {
  const positions = Float32Array.from(depths.flatMap((depth) => [0, 0, 2 - depth]));
  return { count: depths.length, positions, opacities: new Float32Array(depths.length).fill(1) };
}

function orderOf(scene: ReturnType<typeof atDepths>): readonly number[] {
  const order = new Float32Array(scene.count);
  return [...order.subarray(0, writeDepthOrder(order, scene, camera))];
}

test("the farthest come first, and of equal depth the last of the scene", () => {
  assert.deepEqual(orderOf(atDepths([1, 3, 0.5, 3, 2])), [3, 1, 4, 0, 2]);
});

test("what lies behind the near plane, or cannot be seen, is left out", () => {
  const scene = atDepths([1, 0.009, -4, 2, 3]);
  scene.opacities[3] = 0.003;
  assert.deepEqual(orderOf(scene), [4, 0]);
});

test("orders as a plain sort does, over many magnitudes", () => {
  const random = mulberry32(7);
  const depths = Array.from({ length: 5_000 }, () => Math.fround(2 ** (random() * 12 - 5)));
  const scene = atDepths(depths);
  const seen = depths.map((_, i) => Math.fround(2 - (scene.positions[i * 3 + 2] ?? 0)));
  const expected = seen
    .map((_, i) => i)
    .toSorted((i, j) => (seen[j] ?? 0) - (seen[i] ?? 0) || j - i);
  assert.deepEqual(orderOf(scene), expected);
});
