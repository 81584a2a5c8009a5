import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ChainError, createLocalChain, type LocalChain } from "@turntable/bittensor/chain";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { ruleSets } from "../rules/index.ts";
import { openStore } from "../store/index.ts";
import { createAttempts, startWeights, type WeightsEvent } from "./index.ts";

await ready();
const netuid = 17;
const [hotkey, a, b] = ["//Alice", "//Bob", "//Charlie"].map((uri) => keypairFromUri(uri));
assert.ok(hotkey && a && b);
const rules = { weights: { ...ruleSets.seed.weights, intervalBlocks: 20, lookMs: 1_000_000 } };

/** The loop on a chain whose blocks come when asked for; `look` runs it once. */
function open(
  hyperparameters: Parameters<LocalChain["setHyperparameters"]>[1] = {},
  change: (chain: LocalChain) => Partial<LocalChain> = () => ({}),
  patienceMs = 60_000,
  settled: () => Promise<void> = () => Promise.resolve(),
) {
  const directory = mkdtempSync(join(tmpdir(), "turntable-weights-"));
  const store = openStore(directory);
  const chain = createLocalChain({
    subnets: [{ netuid, hyperparameters: { weightsRateLimit: 10, ...hyperparameters } }],
  });
  chain.register({ netuid, hotkey: hotkey?.ss58 ?? "", stakeTao: 5_000 });
  for (const key of [a, b]) {
    chain.register({ netuid, hotkey: key?.ss58 ?? "" });
  }
  const rewards = new Map<string, number>();
  const events: WeightsEvent[] = [];
  const troubles: unknown[] = [];
  const attempts = createAttempts(store);
  const start = () =>
    startWeights({
      place: { netuid, hotkey: hotkey ?? assert.fail() },
      chain: { ...chain, ...change(chain) },
      ...{ rules, attempts, patienceMs, settled },
      rewardsOf: () => rewards,
      onEvent: (event) => events.push(event),
      onTrouble: (_, error) => troubles.push(error),
      now: () => 1_000,
    });
  const loop = start();
  return {
    ...{ chain, rewards, events, troubles, attempts, start },
    async look(blocks = 0) {
      if (blocks > 0) {
        chain.advance(blocks);
      }
      await loop.runNow();
      return events.splice(0).filter(({ kind }) => kind !== "age");
    },
    onChain: () => Object.fromEntries(chain.weightsOf(netuid, 0)),
    latest: () => attempts.latest(netuid, hotkey?.ss58 ?? "", 9),
    async [Symbol.asyncDispose]() {
      await loop[Symbol.asyncDispose]();
      await chain[Symbol.asyncDispose]();
      store[Symbol.dispose]();
      rmSync(directory, { recursive: true });
    },
  };
}

test("weights are sent only once their row has settled: another coordinator may lead", async () => {
  let leads = false;
  await using subnet = open({}, undefined, undefined, async () => {
    assert.equal(subnet.latest().length > 0, true, "the row is there by then");
    if (!leads) {
      throw new Error("another coordinator leads");
    }
  });
  subnet.rewards.set(a.ss58, 10);
  await subnet.look(20);
  assert.deepEqual(subnet.onChain(), {});
  assert.match(String(subnet.troubles.at(-1)), /another coordinator leads/);
  leads = true;
  await subnet.look(20);
  assert.deepEqual(subnet.onChain(), { 1: 65535 });
});

test("weights come when they are due, are on the chain, and their row says so", async () => {
  await using subnet = open();
  subnet.rewards.set(a.ss58, 10).set(b.ss58, 5);
  assert.deepEqual(await subnet.look(19), [], "registered 19 blocks ago");
  const [event] = await subnet.look(1);
  assert.ok(event?.kind === "attempt" && event.outcome.kind === "included");
  assert.deepEqual(subnet.onChain(), { 1: 65535, 2: 32768 });
  const [row] = subnet.latest();
  assert.deepEqual(
    [row?.outcome, row?.block, row?.includedBlock, row?.versionKey, row?.rows.length],
    ["included", 21, 21, 200, 2],
  );
  assert.deepEqual(row?.rows[0], { uid: 1, hotkey: a.ss58, reward: 10, weight: 65535 });
  subnet.rewards.set(b.ss58, 10);
  assert.deepEqual(await subnet.look(19), []);
  assert.equal((await subnet.look(1)).length, 1);
  assert.deepEqual(subnet.onChain(), { 1: 65535, 2: 65535 });
});

test("where the subnet wants commits, the weights are there after the reveal", async () => {
  await using subnet = open({ commitRevealEnabled: true, tempo: 50 });
  subnet.rewards.set(a.ss58, 1).set(b.ss58, 4);
  const [event] = await subnet.look(20);
  assert.ok(event?.kind === "attempt" && event.outcome.kind === "included");
  assert.ok(event.outcome.revealRound !== undefined);
  assert.deepEqual(subnet.onChain(), {}, "not yet");
  assert.equal(subnet.latest()[0]?.revealRound, event.outcome.revealRound.toString());
  subnet.chain.advance(100);
  assert.deepEqual(subnet.onChain(), { 1: 16384, 2: 65535 });
});

test("fault 15: nothing is sent while nobody has a reward; that is said once", async () => {
  await using subnet = open();
  const [event] = await subnet.look(20);
  assert.ok(event?.kind === "none");
  assert.equal(event.reason, "no registered hotkey has a reward yet");
  assert.deepEqual(await subnet.look(10), []);
  assert.deepEqual(subnet.latest(), []);
  assert.deepEqual(subnet.onChain(), {});
  subnet.rewards.set(a.ss58, 1);
  assert.equal((await subnet.look(10))[0]?.kind, "attempt");
});

test("without stake or permit nothing is sent; once they are there, it is", async () => {
  await using subnet = open();
  subnet.rewards.set(a.ss58, 1);
  subnet.chain.setStake(hotkey.ss58, 999);
  const [event] = await subnet.look(20);
  assert.ok(event?.kind === "barred");
  assert.match(event.reason, /999 TAO/);
  subnet.chain.setStake(hotkey.ss58, 1_000);
  assert.equal((await subnet.look(10))[0]?.kind, "attempt");
});

test("what fails is tried again after 1, 2, 4 blocks, each with its row", async () => {
  const answers = [
    () => Promise.resolve({ kind: "refused", name: "X", message: "no" } as const),
    () => Promise.resolve({ kind: "unknown", message: "cut" } as const),
    () => Promise.reject(new ChainError("away")),
  ];
  await using subnet = open({}, (chain) => ({
    setWeights: (set) => answers.shift()?.() ?? chain.setWeights(set),
  }));
  subnet.rewards.set(a.ss58, 1);
  const tries: number[] = [];
  for (let block = 0; block < 30; block++) {
    const events = await subnet.look(1);
    if (events.some(({ kind }) => kind === "attempt")) {
      tries.push(await subnet.chain.blockNumber());
    }
  }
  assert.deepEqual(tries, [21, 22, 24, 28]);
  assert.deepEqual(
    subnet.latest().map(({ outcome, message }) => [outcome, message]),
    [
      ["included", ""],
      ["failed", "away"],
      ["unknown", "cut"],
      ["refused", "X: no"],
    ],
  );
  assert.deepEqual(subnet.onChain(), { 1: 65535 });
});

test("a chain that is away is trouble, and weights come as soon as it is back", async () => {
  let isAway = true;
  await using subnet = open({}, (chain) => ({
    blockNumber: () => (isAway ? Promise.reject(new ChainError("away")) : chain.blockNumber()),
  }));
  subnet.rewards.set(a.ss58, 1);
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await subnet.look(10), []);
  }
  assert.ok(subnet.troubles.length >= 3);
  isAway = false;
  assert.equal((await subnet.look())[0]?.kind, "attempt");
});

test("weights twice as old as they should be are told once an interval, with the reason", async () => {
  await using subnet = open();
  const late: WeightsEvent[] = [];
  for (let block = 0; block < 70; block++) {
    late.push(...(await subnet.look(1)).filter(({ kind }) => kind === "late"));
  }
  assert.deepEqual(
    late.map((event) => event.kind === "late" && [event.blocks, event.reason, event.isIdle]),
    [
      [41, "no registered hotkey has a reward yet", true],
      [61, "no registered hotkey has a reward yet", true],
    ],
  );
});

test("weights that are there and are not taken are late for somebody to look", async () => {
  await using subnet = open({}, () => ({
    setWeights: async () => ({ kind: "refused", name: "Refused", message: "no" }),
  }));
  subnet.rewards.set(a.ss58, 1);
  const late: WeightsEvent[] = [];
  for (let block = 0; block < 45; block++) {
    late.push(...(await subnet.look(1)).filter(({ kind }) => kind === "late"));
  }
  assert.deepEqual(
    late.map((event) => event.kind === "late" && [event.blocks, event.reason, event.isIdle]),
    [[41, "the last attempt failed", false]],
  );
});

test("a restart sends nothing before it is due: the chain knows when weights came last", async () => {
  await using subnet = open();
  subnet.rewards.set(a.ss58, 1);
  await subnet.look(20);
  subnet.chain.advance(10);
  await using again = subnet.start();
  await again.runNow();
  assert.equal(subnet.latest().length, 1);
  subnet.chain.advance(10);
  await again.runNow();
  assert.equal(subnet.latest().length, 2);
});

test("what the chain took and a fork undid is told and sent again, and its row says so", async () => {
  let isUndone = true;
  await using subnet = open({}, (chain) => ({
    setWeights: async (set) =>
      isUndone
        ? { kind: "included", block: await chain.blockNumber(), revealRound: undefined }
        : chain.setWeights(set),
  }));
  subnet.rewards.set(a.ss58, 1);
  await subnet.look(20);
  assert.deepEqual(await subnet.look(5), [], "it may still be that the chain is behind");
  isUndone = false;
  const [missing, again] = await subnet.look(1);
  assert.ok(missing?.kind === "missing" && missing.block === 21);
  assert.match(missing.reason, /included in block 21, and has nothing of it/);
  assert.ok(again?.kind === "attempt" && again.outcome.kind === "included");
  assert.deepEqual(subnet.onChain(), { 1: 65535 });
  assert.deepEqual(
    subnet.latest().map(({ outcome }) => outcome),
    ["included", "failed"],
  );
  assert.deepEqual(await subnet.look(6), []);
});

test("commits that are never revealed are told, and new ones go on", async () => {
  await using subnet = open({ commitRevealEnabled: true, tempo: 50 }, (chain) => ({
    async setWeights({ hotkey: { ss58 } }) {
      const call = { netuid, mechanism: 0, commit: new Uint8Array(200), revealRound: 1n };
      chain.commitWeights(ss58, { ...call, version: 4 }, 0n);
      return { kind: "included", block: await chain.blockNumber(), revealRound: 1n };
    },
  }));
  subnet.rewards.set(a.ss58, 1);
  const told: WeightsEvent[] = [];
  for (let blocks = 0; blocks < 160; blocks += 20) {
    told.push(...(await subnet.look(20)));
  }
  const missing = told.find(({ kind }) => kind === "missing");
  assert.ok(missing?.kind === "missing");
  assert.match(missing.reason, /committed in block 21 and not revealed with round 1/);
  assert.equal(told.filter(({ kind }) => kind === "attempt").length, 8);
});

test("two validators with one hotkey notice each other, and weights come once an interval", async () => {
  await using subnet = open();
  await using store = openOther();
  const foreign: number[] = [];
  const others: WeightsEvent[] = [];
  await using other = startWeights({
    place: { netuid, hotkey },
    ...{ chain: subnet.chain, rules, attempts: store.attempts, now: () => 1_000 },
    rewardsOf: () => new Map([[b.ss58, 1]]),
    onEvent: (event) => others.push(event),
    onTrouble: (_, error) => assert.fail(String(error)),
  });
  subnet.rewards.set(a.ss58, 1);
  let included = 0;
  for (let block = 0; block < 90; block++) {
    subnet.chain.advance(1);
    // In turns, so that each is sometimes the first.
    const mine = block < 45 ? await subnet.look() : [];
    await other.runNow();
    const events = [...mine, ...(block < 45 ? [] : await subnet.look()), ...others.splice(0)];
    for (const event of events) {
      if (event.kind === "foreign") {
        foreign.push(event.block);
      }
      included += event.kind === "attempt" && event.outcome.kind === "included" ? 1 : 0;
    }
  }
  assert.ok(foreign.length > 0);
  assert.equal(included, 4);
});

/** Attempts of another coordinator. */
function openOther() {
  const directory = mkdtempSync(join(tmpdir(), "turntable-weights-"));
  const store = openStore(directory);
  return {
    attempts: createAttempts(store),
    async [Symbol.asyncDispose]() {
      store[Symbol.dispose]();
      rmSync(directory, { recursive: true });
    },
  };
}

test("commit-reveal may be switched on and off in the middle", async () => {
  await using subnet = open({ tempo: 50 });
  subnet.rewards.set(a.ss58, 1).set(b.ss58, 4);
  const kinds: string[] = [];
  for (const commitRevealEnabled of [false, true, false]) {
    subnet.chain.setHyperparameters(netuid, { commitRevealEnabled });
    subnet.rewards.set(a.ss58, commitRevealEnabled ? 2 : 1);
    for (let blocks = 0; blocks < 200; blocks++) {
      kinds.push(...(await subnet.look(1)).map(({ kind }) => kind));
    }
    assert.deepEqual(subnet.onChain(), { 1: commitRevealEnabled ? 32768 : 16384, 2: 65535 });
  }
  assert.deepEqual(new Set(kinds), new Set(["attempt"]));
  assert.equal(kinds.length, 30, "one each 20 blocks");
});

test("the chain may want commits between our look and our sending: the next try is one", async () => {
  await using subnet = open({ tempo: 50 }, (chain) => ({
    async setWeights(set) {
      const { commitRevealEnabled } = await chain.hyperparameters(netuid);
      chain.setHyperparameters(netuid, { commitRevealEnabled: true });
      return commitRevealEnabled
        ? chain.setWeights(set)
        : { kind: "refused", name: "CommitRevealEnabled", message: "it is on" };
    },
  }));
  subnet.rewards.set(a.ss58, 1);
  await subnet.look(20);
  const [event] = await subnet.look(1);
  assert.ok(event?.kind === "attempt" && event.outcome.kind === "included");
  assert.notEqual(event.outcome.revealRound, undefined);
});

test("who takes a miner's uid while weights are sent has them no longer than until the next", async () => {
  const newcomer = "5Newcomer";
  await using subnet = open({ maxUids: 3, immunityPeriod: 0 }, (chain) => ({
    setWeights(set) {
      chain.register({ netuid, hotkey: newcomer });
      return chain.setWeights(set);
    },
  }));
  subnet.rewards.set(a.ss58, 1).set(b.ss58, 3);
  subnet.chain.setHyperparameters(netuid, { maxUids: 3 });
  await subnet.look(20);
  const { neurons } = await subnet.chain.metagraph(netuid);
  const taken = neurons.find((neuron) => neuron.hotkey === newcomer)?.uid ?? assert.fail();
  await subnet.look(20);
  assert.deepEqual(
    subnet.latest()[0]?.rows.map(({ uid }) => uid),
    neurons.map(({ uid }) => uid).filter((uid) => uid !== 0 && uid !== taken),
  );
  assert.equal(subnet.onChain()[taken], undefined);
});

test("a validator that lost its uid and is registered at another goes on from there, without an alarm", async () => {
  await using subnet = open({ maxUids: 4, immunityPeriod: 0 });
  subnet.rewards.set(a.ss58, 1);
  await subnet.look(20);
  subnet.chain.setHyperparameters(netuid, { maxUids: 3 });
  subnet.chain.register({ netuid, hotkey: "5Newcomer" });
  const { neurons } = await subnet.chain.metagraph(netuid);
  assert.ok(!neurons.some((neuron) => neuron.hotkey === hotkey.ss58), "the oldest made room");
  const kinds = (await subnet.look(20)).map(({ kind }) => kind);
  subnet.chain.setHyperparameters(netuid, { maxUids: 4 });
  const uid = subnet.chain.register({ netuid, hotkey: hotkey.ss58 });
  for (let blocks = 0; blocks < 45; blocks++) {
    kinds.push(...(await subnet.look(1)).map(({ kind }) => kind));
  }
  assert.deepEqual(kinds, ["barred", "attempt", "attempt"]);
  assert.equal(uid, 3);
  assert.equal(subnet.chain.weightsOf(netuid, uid).size, 1);
});

test("a chain that takes connections and never answers is away after a while, and looked at again", async () => {
  let hangs = true;
  const never = Promise.withResolvers<never>();
  await using subnet = open(
    {},
    (chain) => ({
      metagraph: (of, signal) => {
        signal?.addEventListener("abort", () => never.reject(signal.reason));
        return hangs ? never.promise : chain.metagraph(of);
      },
    }),
    50,
  );
  subnet.rewards.set(a.ss58, 1);
  await subnet.look(20);
  assert.ok(subnet.troubles.length > 0);
  hangs = false;
  assert.equal((await subnet.look(5))[0]?.kind, "attempt");
});

test("weights that cannot be read back are trouble, and sent all the same", async () => {
  await using subnet = open({}, () => ({
    weights: () => Promise.reject(new ChainError("the chain's runtime has no weights")),
  }));
  subnet.rewards.set(a.ss58, 1);
  assert.equal((await subnet.look(20))[0]?.kind, "attempt");
  assert.equal((await subnet.look(20))[0]?.kind, "attempt");
  assert.ok(subnet.troubles.length >= 2);
});

test("an attempt whose outcome was lost is found on the chain, and its row says so", async () => {
  await using subnet = open({}, (chain) => ({
    async setWeights(set) {
      await chain.setWeights(set);
      return { kind: "unknown", message: "the connection broke" };
    },
  }));
  subnet.rewards.set(a.ss58, 1);
  await subnet.look(20);
  assert.equal(subnet.latest()[0]?.outcome, "unknown");
  assert.deepEqual(await subnet.look(1), [], "it is not sent again");
  const [row, ...others] = subnet.latest();
  assert.deepEqual([row?.outcome, row?.includedBlock, others.length], ["included", 21, 0]);
});

test("a chain that was never reached makes weights late, too", async () => {
  // It tells its block, which is no age of anything.
  await using subnet = open({}, () => ({
    blockNumber: async () => 6_000_000,
    metagraph: () => Promise.reject(new ChainError("away")),
  }));
  const late: WeightsEvent[] = [];
  for (let looks = 0; looks < 70; looks++) {
    late.push(...(await subnet.look(1)).filter(({ kind }) => kind === "late"));
  }
  assert.deepEqual(
    late.map((event) => event.kind === "late" && [event.blocks, event.reason]),
    [
      [41, "the chain was not reached"],
      [61, "the chain was not reached"],
    ],
  );
});

test("who loses its registration is told that it has old weights", async () => {
  await using subnet = open({ maxUids: 3, immunityPeriod: 0 });
  subnet.rewards.set(a.ss58, 1);
  await subnet.look(20);
  subnet.chain.register({ netuid, hotkey: "5Newcomer" });
  const events: WeightsEvent[] = [];
  for (let blocks = 0; blocks < 45; blocks++) {
    events.push(...(await subnet.look(1)));
  }
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ["barred", "late"],
  );
});
