import assert from "node:assert/strict";
import { test } from "node:test";
import { niceTop } from "./scale.ts";

test("an axis ends at 1, 2 or 5 of a power of ten, and never below its values", () => {
  const tops = [1, 1.5, 3, 5, 7, 10, 11, 99, 101, 0.3].map(niceTop);
  assert.deepEqual(tops, [1, 2, 5, 5, 10, 10, 20, 100, 200, 0.5]);
});
