import assert from "node:assert/strict";
import { test } from "node:test";
import { adviceOf, type Standing } from "./advice.ts";
import type { RuleSet } from "./rule-set.ts";
import { ruleSets } from "./rule-sets.ts";

const { seed } = ruleSets;
const later = ruleSets["2025"];
const good: Standing = {
  ...{ observations: 480, scored: 480, averageFidelity: 1, duelRating: 0 },
  ...{ cooldownViolations: 0, violations: 0, silences: 0, nextReward: undefined },
};

const codesOf = (rules: RuleSet, standing: Standing): readonly string[] =>
  adviceOf(rules, standing).map(({ code }) => code);
const find = (rules: RuleSet, standing: Standing, code: string) =>
  adviceOf(rules, standing).find((one) => one.code === code) ?? assert.fail(code);

test("who has all that the rules allow is told nothing", () => {
  assert.deepEqual(adviceOf(seed, good), []);
});

test("results that were not accepted are worth what they would have been", () => {
  const { text, rewardGain } = find(seed, { ...good, observations: 476 }, "more-accepted");
  assert.match(text, /^4 more accepted results in the window: 4 were scored and not accepted/);
  assert.equal(rewardGain, 4);
  const one = find(seed, { ...good, observations: 479, averageFidelity: 0.75 }, "more-accepted");
  assert.match(
    one.text,
    /^1 more accepted result in the window: one was .* be worth 0\.75\. 0\.6 /,
  );
});

test("who works less than cooldowns allow is told how much more there is", () => {
  const { text, rewardGain } = find(
    seed,
    { ...good, scored: 80, observations: 40, averageFidelity: 0.5 },
    "more-results",
  );
  assert.match(text, /^80 results within 8 h of at most 480 that cooldowns allow: .* worth 0\.5\./);
  assert.equal(rewardGain, 100, "of 400 more a half would be accepted, each worth a half");
});

test("a low average rises with what the rules pay most for", () => {
  const half = { ...good, averageFidelity: 0.8 };
  const { text, rewardGain } = find(seed, half, "raise-average");
  assert.match(text, /0\.800\. It rises with scores of at least 0\.8, which earn 1, and not 0\.75/);
  assert.match(text, /would make it 0\.810 \(5 % of each result enters it\)/);
  assert.ok(Math.abs(rewardGain - 96) < 1e-9);
  assert.match(
    find(later, half, "raise-average").text,
    /what is accepted counts as much as its score/,
  );
  const duels = { ...seed, duels: { ...seed.duels, perHour: 1, rewarded: true } };
  assert.deepEqual(codesOf(duels, { ...good, duelRating: 1_500 }), ["win-duels"]);
});

test("the reward above and the least that gets a weight are counted in accepted results", () => {
  const next = find(seed, { ...good, nextReward: 483.5 }, "next-rank");
  assert.match(next.text, /^4 more accepted results .* next miner, whose reward is 484/);
  assert.deepEqual(
    codesOf(seed, { ...good, nextReward: 480 }),
    ["next-rank"],
    "as good is not ahead",
  );
  const few = { ...good, observations: 3, scored: 3, averageFidelity: 0.8 };
  assert.match(
    find(later, few, "get-a-weight").text,
    /^4 more accepted results in the window: rewards of 5 or less get no weight/,
  );
  assert.ok(!codesOf(seed, few).includes("get-a-weight"), "shares have no least reward");
  assert.ok(!codesOf(later, { ...few, averageFidelity: 0 }).includes("get-a-weight"));
});

test("what costs cooldowns is named", () => {
  const careless = { ...good, cooldownViolations: 102, violations: 1, silences: 2 };
  const codes = codesOf(later, { ...careless, observations: 48, scored: 48 });
  for (const code of ["wait-out-cooldowns", "answer", "sign"]) {
    assert.ok(codes.includes(code), code);
  }
  assert.ok(!codesOf(seed, careless).includes("wait-out-cooldowns"), "they cost nothing there");
});

test("what helps most comes first", () => {
  const gains = adviceOf(seed, {
    ...{ ...good, observations: 100, scored: 120, averageFidelity: 0.7, nextReward: 72 },
    silences: 1,
  }).map(({ rewardGain }) => rewardGain);
  assert.ok(gains.length >= 5);
  assert.deepEqual(
    gains,
    gains.toSorted((a, b) => b - a),
  );
});
