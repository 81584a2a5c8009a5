import assert from "node:assert/strict";
import { test } from "node:test";
import { createLocalChain } from "@turntable/bittensor/chain";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { startAnnouncing } from "./announce.ts";
import { followRegistrations } from "./index.ts";

await ready();
const [validator, other, bob, eve] = ["//Alice", "//Charlie", "//Bob", "//Eve"].map(
  (uri) => keypairFromUri(uri).ss58,
);
assert.ok(validator && other && bob && eve);

function openChain() {
  const chain = createLocalChain({ subnets: [{ netuid: 17 }, { netuid: 29 }] });
  for (const hotkey of [validator ?? "", bob ?? ""]) {
    chain.register({ netuid: 17, hotkey });
  }
  for (const hotkey of [other ?? "", eve ?? ""]) {
    chain.register({ netuid: 29, hotkey });
  }
  return chain;
}

const options = {
  netuids: [17, 29, 17],
  validators: [validator, other],
  strongCount: 2,
  everyMs: 1_000_000,
  onTrouble: () => undefined,
};

test("a hotkey is known on its own subnet only, and our own are no miners", async () => {
  await using chain = openChain();
  await using registrations = await followRegistrations({ ...options, chain });
  assert.deepEqual(
    [17, 29, 3].map((netuid) => registrations.has(netuid, bob)),
    [true, false, false],
  );
  assert.ok(registrations.has(17, validator), "a validator may call another's axon");
  assert.deepEqual([...registrations.miners()].toSorted(), [bob, eve].toSorted());
});

test("each look follows the chain; while that is away, what was known goes on", async () => {
  await using chain = openChain();
  const seen = { 17: 0, 29: 0 };
  const troubles: string[] = [];
  const second = Promise.withResolvers<void>();
  const third = Promise.withResolvers<void>();
  const reads: boolean[] = [];
  await using registrations = await followRegistrations({
    ...options,
    everyMs: 1,
    chain: {
      async metagraph(netuid) {
        const look = ++seen[netuid === 17 ? 17 : 29];
        if (netuid === 29 && look === 3) {
          second.resolve();
        }
        if (netuid === 29 && look === 4) {
          third.resolve();
        }
        if (netuid === 17 && look === 3) {
          throw new Error("away");
        }
        return chain.metagraph(netuid);
      },
    },
    onTrouble: (what) => troubles.push(what),
    onRead: (isRegistered) => reads.push(isRegistered(bob)),
  });
  assert.deepEqual(reads, [true], "told of the first look, too");
  chain.register({ netuid: 17, hotkey: eve });
  chain.register({ netuid: 29, hotkey: bob });
  await second.promise;
  assert.ok(registrations.has(17, eve), "read by the look before");
  await third.promise;
  assert.ok(registrations.has(17, bob), "kept");
  assert.ok(reads.length >= 3 && reads.every(Boolean), "told of each");
  assert.ok(registrations.has(29, bob), "the other subnet was read all the same");
  assert.deepEqual(troubles, [
    "subnet 17 could not be read from the chain; what was known of it is used",
  ]);
});

test("a chain that is away at the start is told", async () => {
  const chain = { metagraph: () => Promise.reject(new Error("away")) };
  await assert.rejects(followRegistrations({ ...options, chain }), /away/);
});

function createMemory(known: Readonly<Record<number, readonly string[]>> = {}) {
  const saved = new Map(
    Object.entries(known).map(([netuid, keys]) => [Number(netuid), new Set(keys)]),
  );
  let writes = 0;
  return {
    saved,
    writes: () => writes,
    load: (netuid: number): ReadonlySet<string> => saved.get(netuid) ?? new Set(),
    save(netuid: number, hotkeys: ReadonlySet<string>) {
      writes++;
      saved.set(netuid, new Set(hotkeys));
    },
  };
}

test("a start without the chain goes by what was known last, and follows the chain once it is there", async () => {
  await using chain = openChain();
  const memory = createMemory({ 17: [bob], 29: [other] });
  let isAway = true;
  const troubles: string[] = [];
  const followed = Promise.withResolvers<void>();
  await using registrations = await followRegistrations({
    ...options,
    everyMs: 1,
    memory,
    chain: {
      metagraph: async (netuid) =>
        isAway ? Promise.reject(new Error("away")) : await chain.metagraph(netuid),
    },
    onTrouble: (what) => troubles.push(what),
    onRead() {
      if (!isAway) {
        followed.resolve();
      }
    },
  });
  assert.deepEqual([registrations.has(17, bob), registrations.has(17, validator)], [true, false]);
  assert.match(troubles[0] ?? "", /subnet 17 could not be read/);
  isAway = false;
  await followed.promise;
  assert.ok(registrations.has(17, validator));
  assert.deepEqual([...(memory.saved.get(17) ?? [])].toSorted(), [validator, bob].toSorted());
  assert.equal(memory.writes(), 2, "written when it changed, once for each subnet");
});

test("a subnet without anybody is no truth", async () => {
  await using chain = openChain();
  const empty = { metagraph: async () => ({ ...(await chain.metagraph(17)), neurons: [] }) };
  const memory = createMemory({ 17: [bob] });
  const troubles: string[] = [];
  await using registrations = await followRegistrations({
    ...options,
    netuids: [17],
    memory,
    chain: empty,
    onTrouble: (what, error) => troubles.push(`${what}: ${error}`),
  });
  assert.ok(registrations.has(17, bob));
  assert.deepEqual([...(memory.saved.get(17) ?? [])], [bob]);
  assert.match(troubles[0] ?? "", /the chain says that nobody is on subnet 17/);
  await assert.rejects(followRegistrations({ ...options, netuids: [17], chain: empty }), /nobody/);
});

test("a look that hangs does not hold up the end", async () => {
  await using chain = openChain();
  const hanging = Promise.withResolvers<void>();
  const troubles: string[] = [];
  let looks = 0;
  const registrations = await followRegistrations({
    ...options,
    netuids: [17],
    everyMs: 1,
    chain: {
      metagraph(netuid, signal) {
        if (++looks === 1) {
          return chain.metagraph(netuid);
        }
        hanging.resolve();
        return new Promise((_, reject) => {
          signal?.addEventListener("abort", () => reject(signal.reason));
        });
      },
    },
    onTrouble: (what) => troubles.push(what),
  });
  await hanging.promise;
  await registrations[Symbol.asyncDispose]();
  assert.deepEqual(troubles, []);
});

test("an address goes to the chain once, and a stranger's is refused", async () => {
  await using chain = openChain();
  const kinds: string[] = [];
  const place = { netuid: 17, hotkey: keypairFromUri("//Alice"), port: 8091 };
  for (const places of [[place], [place, { ...place, hotkey: keypairFromUri("//Dave") }]]) {
    await using _announcing = await startAnnouncing({
      ...{ chain, places, outside: { externalIp: "203.0.113.5" }, now: Date.now },
      neuronOf: () => undefined,
      onAnnounced: ({ ip, port, outcome }) => kinds.push(`${ip} ${port} ${outcome.kind}`),
      onTrouble: (what) => assert.fail(what),
    });
  }
  assert.deepEqual(kinds, [
    "203.0.113.5 8091 included",
    "203.0.113.5 8091 unchanged",
    "203.0.113.5 8091 refused",
  ]);
});

test("the strong have the highest incentive, and some at all; stake, permit and block are kept as read", async () => {
  const incentives: Readonly<Record<string, number>> = { [bob]: 0.1, [eve]: 0.3, [other]: 0.2 };
  const neurons = [validator, bob, eve, other].map((hotkey, uid) => ({
    ...{ uid, hotkey, coldkey: hotkey, stakeTao: 100 * uid, validatorPermit: uid > 1 },
    ...{ lastUpdate: 0, incentive: incentives[hotkey] ?? 0, axon: undefined },
  }));
  const follow = (strongCount: number) =>
    followRegistrations({
      ...options,
      ...{ netuids: [17], strongCount },
      chain: { metagraph: async () => ({ netuid: 17, block: 77, neurons }) },
    });
  const strong = async (count: number) => {
    await using registrations = await follow(count);
    return [validator, bob, eve, other].filter(registrations.isStrong);
  };
  assert.deepEqual(await strong(2), [eve, other]);
  assert.deepEqual(await strong(9), [bob, eve, other]);
  assert.deepEqual(await strong(0), []);
  await using registrations = await follow(2);
  assert.equal(registrations.block(17), 77);
  const found = registrations.neuron(17, eve);
  assert.deepEqual([found?.uid, found?.stakeTao, found?.validatorPermit], [2, 200, true]);
  assert.equal(registrations.neuron(29, eve), undefined);
});
