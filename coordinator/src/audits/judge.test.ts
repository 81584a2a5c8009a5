import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { RenderScoreResultSchema } from "@turntable/proto";
import { differenceOf, type Judgement, judge, type Opinion, opinionOf } from "./judge.ts";

const tolerance = 0.02;
const of = (worker: string, score: number | null, model = "aa"): Opinion => ({
  ...{ worker, score, model: score === null ? "" : model },
});

const cases: readonly (readonly [string, readonly Opinion[], Judgement])[] = [
  ["within the tolerance", [of("a", 0.6), of("b", 0.619)], { kind: "agreed" }],
  ["beyond it a third is asked", [of("a", 0.6), of("b", 0.63)], { kind: "open" }],
  ["two call it invalid", [of("a", null), of("b", null)], { kind: "agreed" }],
  ["one calls it invalid", [of("a", null), of("b", 0.7)], { kind: "open" }],
  ["other models", [of("a", 0.6), of("b", 0.9, "bb")], { kind: "other-model" }],
  ["a model that is not named", [of("a", 0.6, ""), of("b", 0.6)], { kind: "agreed" }],
  [
    "the third agrees with the second",
    [of("a", 0.9), of("b", 0.5), of("c", 0.51)],
    { kind: "drifted", worker: "a" },
  ],
  [
    "the third agrees with the first",
    [of("a", 0.9), of("b", 0.5), of("c", 0.89)],
    { kind: "drifted", worker: "b" },
  ],
  [
    "the third calls it invalid, too",
    [of("a", null), of("b", 0.5), of("c", null)],
    { kind: "drifted", worker: "b" },
  ],
  ["all three differ", [of("a", 0.9), of("b", 0.5), of("c", 0.7)], { kind: "undecided" }],
  [
    "the third is between the two",
    [of("a", 0.6), of("b", 0.63), of("c", 0.615)],
    { kind: "undecided" },
  ],
  [
    "the third has another model",
    [of("a", 0.9), of("b", 0.5), of("c", 0.5, "bb")],
    { kind: "other-model" },
  ],
];
for (const [name, opinions, expected] of cases) {
  test(`${name}: ${expected.kind}`, () => {
    assert.deepEqual(judge(opinions, tolerance), expected);
  });
}

test("without a tolerance nobody is judged", () => {
  assert.deepEqual(judge([of("a", 0), of("b", 1)], 0), { kind: "agreed" });
});

test("scores differ, and what has none does not", () => {
  assert.equal(differenceOf(of("a", 0.5), of("b", 0.75)), 0.25);
  assert.equal(differenceOf(of("a", 0.5), of("b", null)), undefined);
});

test("an opinion is a score that is a probability, or that the asset is invalid", () => {
  const result = (outcome: NonNullable<Parameters<typeof opinionOf>[0]["outcome"]>) =>
    opinionOf({ ...create(RenderScoreResultSchema, { workerId: "w" }), outcome });
  const { outcome } = create(RenderScoreResultSchema, {
    outcome: { case: "scored", value: { score: 0.5, model: { sha256: Uint8Array.of(171) } } },
  });
  assert.deepEqual(result(outcome), { worker: "w", score: 0.5, model: "ab" });
  const nan = create(RenderScoreResultSchema, {
    outcome: { case: "scored", value: { score: Number.NaN } },
  });
  assert.equal(result(nan.outcome), undefined);
  const invalid = create(RenderScoreResultSchema, {
    outcome: { case: "invalidAsset", value: { code: "empty" } },
  });
  assert.deepEqual(result(invalid.outcome), { worker: "w", score: null, model: "" });
  const fault = create(RenderScoreResultSchema, { outcome: { case: "systemFault", value: {} } });
  assert.equal(result(fault.outcome), undefined);
});
