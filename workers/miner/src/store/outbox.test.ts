import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openDatabase } from "./database.ts";
import { type MinerStore, MinerStoreError, openMinerStore, readStanding } from "./index.ts";
import type { Made, Submission, Work } from "./outbox.ts";

const target = { ip: "::1", port: 8091, hotkey: "5Validator" };
const pulled = { target, id: "t1", prompt: "a cube", pulledAt: 1_000, deadline: 600_000 };
const made: Made = {
  ...{ round: 0, bytes: Buffer.from("ply first"), endpoint: "http://gpu", generateMs: 700 },
  score: undefined,
};
const submission: Submission = {
  asset: { bytes: Buffer.from("packed"), format: "ply", compression: 2 },
  submitTime: 1_700_000_000_123_456_789n,
  signature: "c2ln",
  sends: 0,
};
const feedback = {
  ...{ fidelity: 0.75, average: 0.9, accepted: 3, reward: 2.7 },
  cooldownUntil: 60_000,
};

function take(store: MinerStore, task = pulled): Work & { readonly kind: "generating" } {
  const work = store.outbox.take(task);
  assert.ok(work.kind === "generating");
  return work;
}

/** A folder, and what it looks like to the next process. */
function onDisk(t: { after(clean: () => void): void }) {
  const directory = mkdtempSync(join(tmpdir(), "miner-store-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

test("each step of a task is there for the next process", (t) => {
  const directory = onDisk(t);
  {
    using store = openMinerStore(directory);
    take(store);
  }
  {
    using store = openMinerStore(directory);
    const [work] = store.outbox.unfinished();
    assert.ok(work?.kind === "generating");
    assert.deepEqual([work.round, work.task.target, work.task.deadline], [0, target, 600_000]);
    store.outbox.generated(work, made);
  }
  {
    using store = openMinerStore(directory);
    const [work] = store.outbox.unfinished();
    assert.ok(work?.kind === "generated");
    assert.deepEqual(work.made, made);
    store.outbox.signed(work, submission);
  }
  {
    using store = openMinerStore(directory);
    const [work] = store.outbox.unfinished();
    assert.ok(work?.kind === "signed");
    assert.deepEqual(work.submission, submission);
    store.outbox.sending(work);
  }
  {
    using store = openMinerStore(directory);
    const [work] = store.outbox.unfinished();
    assert.ok(work?.kind === "signed" && work.submission.sends === 1);
    store.outbox.done(work, { outcome: "accepted", reason: "", feedback }, 2_000);
    assert.deepEqual(store.outbox.unfinished(), []);
  }
});

test("a task that is lent again is sent with the content of the first time, or not at all", () => {
  using store = openMinerStore(undefined);
  const { outbox } = store;
  const signed = outbox.signed(outbox.generated(take(store), made), submission);
  outbox.done(outbox.sending(signed), { outcome: "system-fault", reason: "", feedback }, 2_000);
  const again = outbox.take({ ...pulled, pulledAt: 3_000, deadline: 700_000 });
  assert.ok(again.kind === "signed");
  assert.deepEqual(again.submission, submission);
  assert.equal(again.task.deadline, 700_000);
  // The asset is gone once the deadline has passed.
  outbox.done(again, { outcome: "accepted", reason: "", feedback }, 800_000);
  assert.equal(outbox.take(pulled).kind, "done");
});

test("a task that was given back starts anew when it is lent again", () => {
  using store = openMinerStore(undefined);
  const { outbox } = store;
  const signed = outbox.signed(take(store), { ...submission, asset: "no GPU" });
  assert.deepEqual(outbox.unfinished()[0], signed);
  outbox.done(signed, { outcome: "not-generated", reason: "no GPU", feedback: undefined }, 2_000);
  outbox.done(take(store), { outcome: "expired", reason: "", feedback: undefined }, 2_000);
  take(store);
});

test("of several rounds the best scored is kept", () => {
  using store = openMinerStore(undefined);
  const { outbox } = store;
  const first = outbox.again(outbox.scored(outbox.generated(take(store), made), 0.5));
  assert.deepEqual([first.round, first.kept?.score], [1, 0.5]);
  const second = outbox.generated(first, { ...made, round: 1, bytes: Buffer.from("ply second") });
  assert.deepEqual(outbox.unfinished()[0], second);
  const third = outbox.again(outbox.scored(second, 0.2));
  assert.deepEqual([third.round, third.kept?.score], [2, 0.5]);
  assert.deepEqual(outbox.unfinished()[0], third);
});

test("statements need no folder for temporary files, which a read-only root has not", (t) => {
  using database = openDatabase(onDisk(t));
  // 2 is memory.
  assert.equal(JSON.stringify(database.get("PRAGMA temp_store")), '{"temp_store":2}');
});

test("two miners cannot share a folder; anybody may look at it", (t) => {
  const directory = onDisk(t);
  assert.throws(
    () => readStanding(directory, 0),
    (error) => error instanceof MinerStoreError && /there is no such file/.test(error.message),
  );
  using store = openMinerStore(directory);
  assert.throws(
    () => openMinerStore(directory),
    (error) => error instanceof MinerStoreError && /another miner running/.test(error.message),
  );
  store.validators.rest(target, 5_000);
  const signed = store.outbox.signed(store.outbox.generated(take(store), made), submission);
  store.outbox.done(signed, { outcome: "rejected", reason: "low score", feedback }, 2_000);
  take(store, { ...pulled, id: "t2" });
  store.generations.add("http://gpu", 1_000, 700, "");
  store.generations.add("http://gpu", 2_000, 900, "no GPU");
  const { validators, endpoints } = readStanding(directory, 3_000);
  assert.deepEqual(validators, [
    {
      ...{ hotkey: "5Validator", ip: "::1", port: 8091, failure: "" },
      ...{ tasks: 1, accepted: 0, unfinished: 1, average: 0.9, reward: 2.7, askAt: 5_000 },
      lastReasons: ["rejected: low score"],
      generateMs: { p50: 700, p95: 700 },
    },
  ]);
  assert.deepEqual(endpoints, [
    {
      ...{ endpoint: "http://gpu", tries: 2, failures: 1, lastFailure: "no GPU" },
      generateMs: { p50: 700, p95: 700 },
    },
  ]);
});

test("when a validator may be asked survives, and so do the validators of the chain", (t) => {
  const directory = onDisk(t);
  {
    using store = openMinerStore(directory);
    store.validators.rest(target, 5_000);
    store.validators.list([target]);
    assert.equal(store.validators.failed(target, "503"), 1);
    assert.equal(store.validators.failed(target, "503"), 2);
  }
  using store = openMinerStore(directory);
  assert.equal(store.validators.askAt(target.hotkey), 5_000);
  assert.deepEqual(store.validators.listed(), [target]);
  store.validators.answered(target);
  assert.equal(store.validators.failed(target, "503"), 1);
});
