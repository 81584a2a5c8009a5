import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cooldownUntil,
  fidelityOf,
  nextAverage,
  RulesError,
  rewardOf,
  ruleSetOf,
  ruleSets,
  violationCostMs,
} from "./index.ts";

const { seed, "2025": later } = ruleSets;
const scores = [0, 0.599, 0.6, 0.799, 0.8, 1];

test("fidelity is a step of the score, and in 2025 the score itself", () => {
  assert.deepEqual(
    scores.map((score) => fidelityOf(seed, score)),
    [0, 0, 0.75, 0.75, 1, 1],
  );
  assert.deepEqual(
    scores.map((score) => fidelityOf(later, score)),
    [0, 0, 0.6, 0.799, 0.8, 1],
  );
});

test("fault 8: rejected work leaves the average alone, unless the rules count it", () => {
  assert.equal(nextAverage(seed, 0.9, 0), 0.9);
  assert.ok(Math.abs(nextAverage({ ...seed, countRejected: true }, 0.9, 0) - 0.855) < 1e-12);
  assert.ok(Math.abs(nextAverage(seed, 1, 0.75) - 0.9875) < 1e-12);
});

test("a reward is accepted results × average", () => {
  assert.equal(rewardOf(4, 0.5), 2);
});

test("the cooldown: a minute in 2024; in 2025 five less up to 30 s that the work took, ten more if it was bad", () => {
  const after = (rules: typeof seed | typeof later, tookS: number, isBad = false) =>
    cooldownUntil(rules, { now: 1_000_000, assignedAt: 1_000_000 - tookS * 1000, isBad }) / 1000 -
    1000;
  assert.deepEqual([after(seed, 0), after(seed, 50), after(seed, 50, true)], [60, 60, 60], "seed");
  assert.deepEqual(
    [after(later, 0), after(later, 20), after(later, 30), after(later, 200)],
    [300, 280, 270, 270],
  );
  assert.equal(after(later, 200, true), 870);
});

test("in 2025 each pull in a cooldown above the hundredth costs ten seconds", () => {
  assert.deepEqual(
    [0, 99, 100, 250].map((violations) => violationCostMs(later, violations)),
    [0, 0, 10_000, 10_000],
  );
  assert.equal(violationCostMs(seed, 250), 0);
});

test("a file changes numbers of a rule set, also inner ones, and gets its name where it gives none", () => {
  const text = '{"cooldownMs": 7, "countRejected": true, "weights": {"intervalBlocks": 30}}';
  const made = ruleSetOf(seed, text, "mine.json");
  assert.deepEqual(made, {
    ...seed,
    name: "mine.json",
    cooldownMs: 7,
    countRejected: true,
    weights: { ...seed.weights, intervalBlocks: 30 },
  });
  const { duels } = ruleSetOf(seed, '{"duels": {"perHour": 6, "start": {"rating": 1}}}', "d");
  assert.deepEqual(duels, {
    ...seed.duels,
    perHour: 6,
    start: { ...seed.duels.start, rating: 1 },
  });
  assert.equal(ruleSetOf(seed, '{"name": "x"}', "mine.json").name, "x");
});

for (const [text, message] of [
  ["{", /^mine\.json: is no JSON/],
  ['{"cooldown": 1}', /mine\.json: .*cooldown/],
  ['{"averageAlpha": 2, "weights": {"form": "x"}}', /averageAlpha.*; weights\.form/],
  ['{"fidelitySteps": [{"score": 0.6, "fidelity": 1}, {"score": 0.8, "fidelity": 1}]}', /fall/],
  ['{"duels": {"rewarded": true}}', /duels: .*perHour is 0/],
  ["[]", /the file: /],
] as const) {
  test(`a file that cannot be used says why: ${text}`, () => {
    assert.throws(
      () => ruleSetOf(seed, text, "mine.json"),
      (error) => error instanceof RulesError && message.test(error.message),
    );
  });
}

test("every rule set that comes with us fits the schema", () => {
  for (const rules of Object.values(ruleSets)) {
    assert.deepEqual(ruleSetOf(rules, JSON.stringify(rules), "own"), rules);
  }
});
