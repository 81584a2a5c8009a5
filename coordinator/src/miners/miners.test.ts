import assert from "node:assert/strict";
import { test } from "node:test";
import { openRules } from "../../test/rules.ts";
import { fidelityOf, ruleSets } from "./index.ts";
import { nextAverage, rewardOf } from "./rules.ts";

const { seed } = ruleSets;

test("fidelity is a step of the score", () => {
  const steps = [0, 0.599, 0.6, 0.799, 0.8, 1].map((score) => fidelityOf(seed, score));
  assert.deepEqual(steps, [0, 0, 0.75, 0.75, 1, 1]);
});

test("rejected work leaves the average alone, unless the rules count it", () => {
  assert.equal(nextAverage(seed, 0.9, 0), 0.9);
  assert.ok(Math.abs(nextAverage({ ...seed, countRejected: true }, 0.9, 0) - 0.855) < 1e-12);
  assert.ok(Math.abs(nextAverage(seed, 1, 0.75) - 0.9875) < 1e-12);
});

test("a reward is accepted results × average", () => {
  assert.equal(rewardOf(4, 0.5), 2);
});

test("a clock that was set back makes no cooldown longer", async () => {
  using subnet = await openRules();
  const { miners } = subnet;
  miners.startCooldown("A", 5_000_000);
  miners.startCooldown("B", 1_000);
  miners.boundCooldowns(2_000);
  assert.equal(miners.get("A", 2_000).cooldownUntil, 2_000 + seed.cooldownMs);
  assert.equal(miners.get("B", 2_000).cooldownUntil, 1_000 + seed.cooldownMs);
});
