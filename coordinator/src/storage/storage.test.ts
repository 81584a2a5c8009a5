import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { createNonceMemory, route, startAxon } from "@turntable/bittensor/axon";
import { createLocalChain } from "@turntable/bittensor/chain";
import { keypairFromUri, ready } from "@turntable/bittensor/keys";
import { storeUser } from "@turntable/bittensor/synapse";
import { dayMs, openRetention } from "../../test/retention.ts";
import { openRules, validator } from "../../test/rules.ts";
import { createStorageQueue } from "./queue.ts";
import { type StorageEvent, startStorage } from "./storage.ts";
import { createSubnet21 } from "./subnet21.ts";
import { StorageAwayError, type StorageTarget, type StoredItem } from "./target.ts";

await ready();
const place = { name: "place", maxAssetBytes: 1_000 };
const limits = { assets: 3, bytes: 100 };

type Opened = Awaited<ReturnType<typeof openRules>>;

/** A miner hands these bytes in and gets this score; the submission's id. */
async function score(opened: Opened, value: number, bytes?: string, hotkey = "A"): Promise<string> {
  const made = await opened.submit(
    opened.ask(`a red cube “${value}”`),
    hotkey,
    1,
    ...(bytes === undefined ? [] : [Buffer.from(bytes)]),
  );
  opened.submissions.applyResult(opened.scored(made.id, value), 2);
  return made.id;
}

/** Storing at one target, on a clock of the test. */
function openStorage(t: TestContext, opened: Opened, target: StorageTarget) {
  const events: StorageEvent[] = [];
  const clock = { now: 10 };
  const storage = startStorage({
    queue: opened.storageQueue,
    targets: [target],
    async load(id) {
      const submission = opened.submissions.get(id) ?? assert.fail();
      const bytes = await opened.assets.load(submission.assetSha256);
      return bytes && { submission, prompt: "a red cube", miner: "A", bytes };
    },
    onEvent: (event) => events.push(event),
    onTrouble: (what, error) => assert.fail(`${what}: ${error}`),
    now: () => clock.now,
  });
  t.after(() => storage[Symbol.asyncDispose]());
  return {
    storage,
    events,
    clock,
    look: storage.look,
    kinds: () => events.splice(0).map(({ kind }) => kind),
  };
}

/** A place that stores as it is told to. */
function createPlace(
  store: (item: StoredItem, tries: number, signal: AbortSignal) => Promise<string>,
) {
  return { name: "place", keepsMs: undefined, store, async [Symbol.asyncDispose]() {} };
}

test("what is accepted waits from its verdict on, once for the same bytes, and no more than there is room for", async () => {
  using opened = await openRules({ storageTargets: [place], storageLimits: limits });
  const first = await score(opened, 0.9);
  await score(opened, 0.1);
  assert.deepEqual(
    opened.storageQueue.due("place", 10, 9).map(({ id }) => id),
    [first],
  );
  const tooLarge = await score(opened, 0.9, "x".repeat(1_001));
  const noRoom = await score(opened, 0.9, "y".repeat(90));
  await score(opened, 0.9, "z");
  await score(opened, 0.9, "w");
  const full = await score(opened, 0.9, "v");
  assert.deepEqual(opened.notQueued, [
    `place ${tooLarge} too-large`,
    `place ${noRoom} full`,
    `place ${full} full`,
  ]);
  assert.equal(opened.storageQueue.waiting("place").assets, 3);
  const failing = await opened.submit(opened.ask(), "B", 1);
  assert.throws(() =>
    opened.store.transaction(() => {
      opened.submissions.applyResult(opened.scored(failing.id, 0.9), 2);
      throw new Error("the transaction fails");
    }),
  );
  assert.equal(opened.notQueued.length, 3, "a verdict that did not happen is not told of");
});

test("what was stored is in the catalogue, and is not stored again while it stays there", async () => {
  using opened = await openRules({ storageTargets: [place] });
  const id = await score(opened, 0.9);
  const { assetSha256 } = opened.submissions.get(id) ?? assert.fail();
  const { storageQueue: queue } = opened;
  queue.stored({ target: "place", id, contentId: "c1", at: 5, keepsMs: 100 });
  const asset = { id, assetSha256, sizeBytes: 1 };
  queue.add(asset, 104);
  assert.equal(queue.waiting("place").assets, 0);
  queue.add(asset, 105);
  assert.equal(queue.waiting("place").assets, 1, "it is gone there");
  queue.stored({ target: "place", id, contentId: "c2", at: 200, keepsMs: undefined });
  queue.add(asset, 1e12);
  assert.equal(queue.waiting("place").assets, 0);
  assert.deepEqual(
    opened.store
      .all("SELECT asset_sha256, content_id FROM stored_assets")
      .map((row) => ({ ...Object(row) })),
    [{ asset_sha256: assetSha256, content_id: "c2" }],
  );
});

test("what waits for a place that there is no more is forgotten", async () => {
  using opened = await openRules({ storageTargets: [place, { ...place, name: "other" }] });
  await score(opened, 0.9);
  createStorageQueue(opened.store, [place], limits, () => {});
  assert.equal(opened.storageQueue.waiting("other").assets, 0);
  assert.equal(opened.storageQueue.waiting("place").assets, 1);
});

test("an asset that cannot be stored is tried three times, a minute apart, and the others go on", async (t) => {
  using opened = await openRules({ storageTargets: [place] });
  const bad = await score(opened, 0.9, "bad");
  const good = await score(opened, 0.9, "good");
  const tried: number[] = [];
  const { clock, look, events, kinds } = openStorage(
    t,
    opened,
    createPlace(async ({ submission }, tries) => {
      if (submission.id === good) {
        return "kept";
      }
      tried.push(tries);
      throw new Error("not this one");
    }),
  );
  await look();
  assert.deepEqual(kinds().toSorted(), ["failed", "stored"]);
  await look();
  clock.now += 60_000;
  await look();
  clock.now += 60_000;
  await look();
  assert.deepEqual(tried, [0, 1, 2]);
  assert.deepEqual(events.at(-1), {
    ...{ kind: "failed", target: "place", id: bad, reason: "not this one", isLast: true },
  });
  clock.now += 1e9;
  await look();
  assert.equal(tried.length, 3);
});

test("a place that is away costs no asset a try, and is asked ever more rarely until it is back", async (t) => {
  using opened = await openRules({ storageTargets: [place] });
  await score(opened, 0.9, "one");
  await score(opened, 0.9, "two");
  let isAway = true;
  const { clock, look, events, kinds } = openStorage(
    t,
    opened,
    createPlace(async () => {
      if (isAway) {
        throw new StorageAwayError("nobody is there");
      }
      return "kept";
    }),
  );
  const waits: number[] = [];
  for (let n = 0; n < 10; n++) {
    await look();
    const event = events.at(-1);
    assert.ok(event?.kind === "away");
    waits.push(event.retryMs / 1_000);
    clock.now += event.retryMs;
  }
  assert.deepEqual(waits.slice(1), [10, 20, 40, 80, 160, 320, 600, 600, 600]);
  assert.equal(opened.storageQueue.waiting("place").assets, 2);
  isAway = false;
  kinds();
  await look();
  assert.deepEqual(kinds(), ["back", "stored", "stored"]);
});

test("a verdict waits for no place, and a try that a stop has ended counts for nothing", async (t) => {
  using opened = await openRules({ storageTargets: [place] });
  const started = Promise.withResolvers<void>();
  const hanging = createPlace((_item, _tries, signal) => {
    started.resolve();
    return once(signal, "abort").then(() => assert.fail("stopped"));
  });
  await score(opened, 0.9, "one");
  const { storage, look } = openStorage(t, opened, hanging);
  void look();
  await started.promise;
  const later = await score(opened, 0.9, "two");
  assert.equal(opened.submissions.get(later)?.feedback?.verdict, "accepted");
  await storage[Symbol.asyncDispose]();
  assert.deepEqual(
    opened.storageQueue.due("place", 10, 9).map(({ tries }) => tries),
    [0, 0],
  );
});

test("retention removes no asset and no task of what waits, and does when it is stored", async () => {
  using opened = await openRetention({ assetBytes: 1 }, { storageTargets: [place] });
  const { subnet, retention } = opened;
  const kept = await opened.score(0.9, 0, "synthetic", Buffer.from("kept"));
  const other = await opened.score(0.1, 0, "synthetic", Buffer.from("other"));
  await retention.step(100 * dayMs);
  assert.deepEqual(readdirSync(subnet.assetsDir), [kept.assetSha256]);
  assert.ok(subnet.tasks.get(kept.taskId));
  assert.equal(subnet.tasks.get(other.taskId), undefined);
  subnet.storageQueue.drop("place", kept.id);
  await retention.step(100 * dayMs);
  assert.deepEqual(readdirSync(subnet.assetsDir), []);
  assert.equal(subnet.tasks.get(kept.taskId), undefined);
});

/** A validator of subnet 21 with an axon that stores as it is told to. */
async function startValidator(
  t: TestContext,
  chain: ReturnType<typeof createLocalChain>,
  name: string,
  stakeTao: number,
  answer: () => string | null,
) {
  const hotkey = keypairFromUri(name);
  const taken: { readonly encrypted_data: string; readonly ttl: number | null }[] = [];
  const axon = await startAxon({
    ...{ hotkey, host: "127.0.0.1", port: 0, nonces: createNonceMemory({ now: Date.now }) },
    routes: [
      route(storeUser, {
        handle({ fields, hotkey: caller }) {
          assert.equal(caller, validator.ss58, "signed by our hotkey");
          taken.push(fields);
          return { data_hash: answer() };
        },
      }),
    ],
    onRequest: () => {},
    onRefused: () => {},
  });
  t.after(() => axon[Symbol.asyncDispose]());
  chain.register({ netuid: 21, hotkey: hotkey.ss58, stakeTao });
  const served = await chain.serveAxon({
    ...{ netuid: 21, hotkey, address: { ip: "127.0.0.1", port: axon.port } },
  });
  assert.equal(served.kind, "included");
  return taken;
}

test("subnet 21: StoreUser to the validator with most stake, another one for the next try, the answer's content id", async (t) => {
  using opened = await openRules({
    storageTargets: [{ name: "subnet21", maxAssetBytes: 1 << 20 }],
  });
  await using chain = createLocalChain({ subnets: [{ netuid: 21 }], allowLoopback: true });
  const chosen = await startValidator(t, chain, "//Big", 9_000, () => null);
  const second = await startValidator(t, chain, "//Small", 2_000, () => "bafy-cid");
  chain.advance(400); // permits come with the epoch
  const id = await score(opened, 0.9, "the asset");
  const subnet21 = createSubnet21({
    chain,
    netuid: 21,
    hotkey: validator,
    ttlS: 500,
    now: () => 10,
  });
  const { clock, look, events } = openStorage(t, opened, subnet21);
  await look();
  assert.match(JSON.stringify(events), /named no content id/);
  clock.now += 60_000;
  await look();
  assert.deepEqual([chosen.length, second.length], [1, 1], JSON.stringify(events));
  const { encrypted_data = "", ttl } = second[0] ?? {};
  assert.equal(ttl, 500);
  const text = Buffer.from(encrypted_data, "base64").toString();
  const submission = opened.submissions.get(id) ?? assert.fail();
  assert.match(text, new RegExp(`"submit_time":${submission.submitTime},`), "no digit is lost");
  const { submit_time: _, ...sent } = JSON.parse(text);
  assert.deepEqual(sent, {
    assets: Buffer.from("the asset").toString("base64"),
    miner: "A",
    validator: validator.ss58,
    prompt: "a red cube",
    signature: Buffer.from(submission.signature).toString("base64"),
  });
  const [row] = opened.store.all("SELECT target, content_id, expires_at FROM stored_assets");
  assert.deepEqual(
    { ...Object(row) },
    {
      ...{ target: "subnet21", content_id: "bafy-cid", expires_at: clock.now + 500_000 },
    },
  );
});

test("subnet 21 without a validator, or a chain that does not know it, is away", async (t) => {
  using opened = await openRules({
    storageTargets: [{ name: "subnet21", maxAssetBytes: 1 << 20 }],
  });
  await score(opened, 0.9);
  await using chain = createLocalChain({ subnets: [{ netuid: 21 }] });
  for (const [netuid, reason] of [
    [21, /no validator of subnet 21 serves an axon/],
    [99, /the chain says nothing of subnet 99/],
  ] as const) {
    const subnet21 = createSubnet21({ chain, netuid, hotkey: validator, ttlS: 500, now: () => 10 });
    const { look, events } = openStorage(t, opened, subnet21);
    await look();
    const [event] = events;
    assert.ok(event?.kind === "away", JSON.stringify(events));
    assert.match(event.reason, reason);
  }
  assert.equal(opened.storageQueue.waiting("subnet21").assets, 1);
});
