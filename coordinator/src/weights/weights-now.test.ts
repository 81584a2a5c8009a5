import assert from "node:assert/strict";
import { test } from "node:test";
import type { Neuron } from "@turntable/bittensor/chain";
import { ruleSets } from "../rules/index.ts";
import { backOffBlocks, planWeights, weightsNow } from "./index.ts";

const { seed, "2025": later } = ruleSets;
const limits = { minAllowedWeights: 1, maxWeightsLimit: 65535 };

const neuron = (uid: number, hotkey: string, change: Partial<Neuron> = {}): Neuron => ({
  ...{ uid, hotkey, coldkey: hotkey, stakeTao: 0, validatorPermit: false, lastUpdate: 1 },
  ...{ incentive: 0, axon: undefined, ...change },
});
const neurons = ["V", "A", "B", "C"].map((hotkey, uid) => neuron(uid, hotkey));
const values = (made: ReturnType<typeof weightsNow>) =>
  made.kind === "ready" ? made.rows.map(({ uid, weight }) => [uid, weight]) : made.reason;

test("rewards become shares, sent as u16 of the largest", () => {
  const rewards = new Map(Object.entries({ A: 10, C: 5 }));
  assert.deepEqual(values(weightsNow(rewards, { neurons }, limits, seed)), [
    [1, 65535],
    [3, 32768],
  ]);
});

test("fault 4: who gets a miner's uid does not get its rewards; the miner has them where it is now", () => {
  const rewards = new Map(Object.entries({ A: 10, B: 10 }));
  const moved = [neuron(0, "V"), neuron(1, "new"), neuron(2, "B"), neuron(3, "A")];
  assert.deepEqual(values(weightsNow(rewards, { neurons: moved }, limits, seed)), [
    [2, 65535],
    [3, 65535],
  ]);
});

test("fault 15: with nobody rewarded, or only hotkeys that are gone, there are no weights at all", () => {
  for (const rewards of [new Map(), new Map([["gone", 10]])]) {
    for (const rules of [seed, later]) {
      const made = weightsNow(rewards, { neurons }, limits, rules);
      assert.equal(values(made), "no registered hotkey has a reward yet");
    }
  }
  const few = { ...limits, minAllowedWeights: 8 };
  const made = weightsNow(new Map([["A", 1]]), { neurons }, few, seed);
  assert.equal(values(made), "the subnet asks for 8 weights and has 4 neurons");
});

test("fewer weights than the subnet asks for are padded with traces, as the SDK does", () => {
  const made = weightsNow(
    new Map([["B", 3]]),
    { neurons },
    { ...limits, minAllowedWeights: 3 },
    seed,
  );
  assert.deepEqual(values(made), [
    [0, 1],
    [1, 1],
    [2, 65535],
    [3, 1],
  ]);
});

test("in 2025 the rank decides, from a reward above 5 on", () => {
  const rewards = new Map(Object.entries({ V: 5, A: 700, B: 6, C: 7 }));
  const made = values(weightsNow(rewards, { neurons }, limits, later));
  assert.ok(typeof made !== "string");
  assert.deepEqual(
    made.map(([uid]) => uid),
    [1, 2, 3],
  );
  const [a = 0, b = 0, c = 0] = made.map(([, weight]) => weight);
  assert.ok(a === 65535 && a > c && c > b && b > 60_000, `${a} ${b} ${c}`);
  assert.equal(
    values(weightsNow(new Map([["A", 5]]), { neurons }, limits, later)),
    "no registered hotkey has a reward above 5 yet",
  );
});

test("weights are due by the chain's own word, and only with permit, stake and version", () => {
  const hyperparameters = {
    ...{ tempo: 360, weightsRateLimit: 100, weightsVersion: 0, ...limits },
    ...{ commitRevealEnabled: false, commitRevealPeriod: 1, servingRateLimit: 50 },
    ...{ maxUids: 256, immunityPeriod: 5000 },
  };
  const due = (
    change: Partial<Neuron>,
    block = 1_000,
    hyper: Partial<typeof hyperparameters> = {},
  ) =>
    planWeights({
      hotkey: "V",
      metagraph: {
        netuid: 17,
        block,
        neurons: [neuron(0, "V", { validatorPermit: true, stakeTao: 1000, ...change })],
      },
      hyperparameters: { ...hyperparameters, ...hyper },
      rules: seed,
      rewards: new Map(),
    }).due;
  assert.deepEqual(due({ lastUpdate: 901 }), { kind: "later", atBlock: 1001 });
  assert.deepEqual(due({ lastUpdate: 900 }), { kind: "now" });
  assert.deepEqual(due({ lastUpdate: 0 }, 50), { kind: "now" }, "never");
  const slower = { weightsRateLimit: 360 };
  assert.deepEqual(due({ lastUpdate: 900 }, 1_000, slower), { kind: "later", atBlock: 1260 });
  for (const [change, hyper, reason] of [
    [{ validatorPermit: false }, {}, /permit/],
    [{ stakeTao: 999.9 }, {}, /999.9 TAO, and 1000 are needed/],
    [{ hotkey: "X" }, {}, /not registered on subnet 17/],
    [{}, { weightsVersion: 201 }, /version 201 or later/],
  ] as const) {
    const found = due(change, 1_000, hyper);
    assert.ok(found.kind === "barred" && reason.test(found.reason), JSON.stringify(found));
  }
});

test("the back-off doubles, and an epoch has room for several tries", () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 6, 50].map((failures) => backOffBlocks(failures, 360)),
    [1, 2, 4, 8, 16, 25, 25],
  );
  assert.equal(backOffBlocks(9, 20), 5);
  assert.equal(backOffBlocks(9, 2), 1);
});
