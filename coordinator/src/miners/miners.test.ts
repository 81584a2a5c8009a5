import assert from "node:assert/strict";
import { test } from "node:test";
import { openRules } from "../../test/rules.ts";
import { ruleSets } from "../rules/index.ts";
import { historyOf } from "./index.ts";

const later = ruleSets["2025"];
const lent = (id: string, atMs: number) => ({ id, hotkey: "A", createdAt: new Date(atMs) });

/** Assignments of miner A, each of a task of its own. */
async function open(rules: (typeof ruleSets)["seed" | "2025"]) {
  const opened = await openRules({ rules });
  const { miners, tasks } = opened;
  return {
    miners,
    score(fidelity: number, now: number, assignedAt = now) {
      const { id } = tasks.assign(opened.ask("a cube", assignedAt), "A", assignedAt);
      miners.applyScore(lent(id, assignedAt), fidelity, now);
      return miners.get("A", now);
    },
    [Symbol.dispose]: () => opened[Symbol.dispose](),
  };
}

test("the rules of 2025: a window of four hours, ten minutes more for bad work, and violations that cost", async () => {
  using subnet = await open(later);
  const { miners } = subnet;
  assert.equal(subnet.score(0.7, 50_000, 40_000).cooldownUntil, 340_000);
  assert.equal(subnet.score(0, 1_000_000, 900_000).cooldownUntil, 1_000_000 + 870_000);
  const standing = miners.get("A", 1_000_000);
  assert.deepEqual([standing.observations, standing.scored], [1, 2], "one of two was accepted");
  assert.equal(miners.get("A", 50_000 + 4 * 3_600_000).observations, 0);
  for (let i = 0; i < 102; i++) {
    miners.countCooldownViolation("A");
  }
  assert.equal(miners.get("A", 1_000_000).cooldownUntil, 1_870_000 + 20_000);
  assert.equal(miners.get("A", 1_000_000).cooldownViolations, 102);
});

test("the seed's violations are counted and cost nothing", async () => {
  using subnet = await open(ruleSets.seed);
  const { cooldownUntil } = subnet.score(1, 1_000);
  for (let i = 0; i < 200; i++) {
    subnet.miners.countCooldownViolation("A");
  }
  const after = subnet.miners.get("A", 1_000);
  assert.deepEqual([after.cooldownUntil, after.cooldownViolations], [cooldownUntil, 200]);
});

test("fault 3: one assignment counts once, however often its score is applied", async () => {
  using opened = await openRules();
  const { id } = opened.tasks.assign(opened.ask(), "A", 0);
  for (let i = 0; i < 3; i++) {
    opened.miners.applyScore(lent(id, 0), 1, 1_000);
  }
  assert.equal(opened.miners.get("A", 1_000).observations, 1);
});

test("a task that was given back costs the cooldown, and is no bad work", async () => {
  using opened = await openRules({ rules: later });
  opened.miners.startCooldown(lent("x", 0), 10_000);
  assert.equal(opened.miners.get("A", 10_000).cooldownUntil, 300_000);
});

test("a clock that was set back makes no cooldown longer", async () => {
  using subnet = await openRules();
  const { miners } = subnet;
  miners.startCooldown({ ...lent("a", 5_000_000), hotkey: "A" }, 5_000_000);
  miners.startCooldown({ ...lent("b", 1_000), hotkey: "B" }, 1_000);
  miners.boundCooldowns(2_000);
  assert.equal(miners.get("A", 2_000).cooldownUntil, 2_000 + ruleSets.seed.cooldownMs);
  assert.equal(miners.get("B", 2_000).cooldownUntil, 1_000 + ruleSets.seed.cooldownMs);
});

test("the history of a miner ends after a month, and after its newest thousand", async () => {
  using opened = await openRules();
  const { miners, store } = opened;
  const told = { assignmentId: undefined, verdict: "rejected", code: "x", reason: "", score: 0 };
  const monthMs = 30 * 86_400_000;
  const count = (hotkey: string) => historyOf(store, hotkey, 5_000).length;
  store.transaction(() => {
    for (let i = 0; i < 1_003; i++) {
      miners.record({ ...told, hotkey: "A", fidelity: 0, averageShare: 0 }, i);
    }
    miners.record({ ...told, hotkey: "B", fidelity: 0, averageShare: 0 }, monthMs);
  });
  assert.deepEqual([count("A"), count("B")], [1_000, 1]);
  assert.equal(historyOf(store, "A", 1)[0]?.at, 1_002);
  miners.record({ ...told, hotkey: "B", fidelity: 0, averageShare: 0 }, monthMs + 1_002);
  assert.deepEqual([count("A"), count("B")], [1, 2]);
});
