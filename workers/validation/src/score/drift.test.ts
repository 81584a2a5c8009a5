import assert from "node:assert/strict";
import { test } from "node:test";
import { driftOf } from "./drift.ts";

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

test("drift is the largest of all assets, of the score and of a view apart", () => {
  const { score, view } = driftOf(
    [
      { ours: [0.5, 0.9], theirs: [0.75, 0.65] },
      { ours: [0.5, 0.5], theirs: [0.375, 0.375] },
    ],
    mean,
  );
  assert.equal(score, 0.125);
  assert.equal(view, 0.25);
});

test("models that were asked about different pictures are not compared", () => {
  assert.throws(() => driftOf([{ ours: [0.5], theirs: [] }], mean), RangeError);
});
