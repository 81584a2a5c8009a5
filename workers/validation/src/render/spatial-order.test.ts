import assert from "node:assert/strict";
import { test } from "node:test";
import { spatialOrder } from "./spatial-order.ts";
import { mulberry32 } from "./test-scenes.ts";

function randomPositions(count: number): Float32Array {
  const random = mulberry32(7);
  return Float32Array.from({ length: count * 3 }, () => random() * 2 - 1);
}

/** How far it is from each to the next, on average. */
function meanStep(positions: Float32Array, order: Iterable<number>): number {
  let sum = 0;
  let last: readonly number[] | undefined;
  for (const i of order) {
    const [x = 0, y = 0, z = 0] = positions.subarray(i * 3, i * 3 + 3);
    if (last !== undefined) {
      sum += Math.hypot(x - (last[0] ?? 0), y - (last[1] ?? 0), z - (last[2] ?? 0));
    }
    last = [x, y, z];
  }
  return sum / (positions.length / 3 - 1);
}

test("has each index once, and neighbours in space one after the other, also with a few far away", () => {
  const positions = randomPositions(5_000);
  positions.set([1e6, -3e38, 3e38], 300);
  const order = spatialOrder(positions);
  assert.deepEqual(
    [...order].toSorted((a, b) => a - b),
    [...Array(5_000).keys()],
  );
  const near = randomPositions(5_000);
  const step = meanStep(near, order);
  assert.ok(
    step < 0.2,
    `${step} from one to the next, ${meanStep(near, Array(5_000).keys())} unordered`,
  );
});

test("splats of one place stay in the order of the input, and none need be there", () => {
  assert.deepEqual([...spatialOrder(new Float32Array(30))], [...Array(10).keys()]);
  assert.deepEqual([...spatialOrder(new Float32Array(0))], []);
});
