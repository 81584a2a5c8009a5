import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { JobClass } from "@turntable/proto";
import { openRules, rules, validator } from "../../test/rules.ts";
import { createScorings, openUploads, type ScoringEnd } from "./index.ts";

const bytes = Buffer.from("an asset of its own");
const sha256 = hash("sha256", bytes, "hex");

async function open() {
  const subnet = await openRules();
  const uploads = await openUploads(join(subnet.directory, "uploads"));
  const ends: ScoringEnd[] = [];
  const scorings = createScorings({
    ...{ store: subnet.store, assets: subnet.assets, reports: subnet.reports, rules, uploads },
    limits: { open: 3, openOfClient: 2, assetBytes: 100 },
    isAssetOfOthers: subnet.submissions.keepsAsset,
    onEnded: (end) => ends.push(end),
    onTrouble: assert.fail,
  });
  const ask = (client = "ann", requestId?: string, prompt = "a cup") =>
    scorings.create(
      {
        ...{ client, prompt, sizeBytes: bytes.length, sha256, requestId },
        encoding: { format: "ply", version: 0, compression: 0 },
      },
      1_000,
    );
  return {
    ...{ subnet, scorings, ask, ends },
    make(client?: string): string {
      const outcome = ask(client);
      return outcome.kind === "created" ? outcome.scoring.id : assert.fail(outcome.kind);
    },
    async queued(client?: string): Promise<string> {
      const id = this.make(client);
      await scorings.upload(id, 0, bytes, 1_000);
      return id;
    },
    async [Symbol.asyncDispose]() {
      await scorings[Symbol.asyncDispose]();
      subnet[Symbol.dispose]();
    },
  };
}

test("an asset comes in pieces, and is queued with the last one", async () => {
  await using opened = await open();
  const { scorings } = opened;
  const id = opened.make();
  const received = (count: number, isWhole = false) => ({
    kind: "received",
    bytes: count,
    isWhole,
  });
  assert.deepEqual(await scorings.upload(id, 0, bytes.subarray(0, 5), 0), received(5));
  assert.deepEqual(await scorings.upload(id, 0, bytes.subarray(0, 5), 0), received(5), "again");
  assert.deepEqual(await scorings.upload(id, 7, bytes.subarray(7), 0), { kind: "gap", bytes: 5 });
  assert.deepEqual(await scorings.upload(id, 5, Buffer.alloc(50), 0), { kind: "surplus" });
  assert.deepEqual(scorings.pending(0, 10), []);
  assert.deepEqual(await scorings.upload(id, 5, bytes.subarray(5), 0), received(19, true));
  assert.deepEqual(await scorings.upload(id, 5, bytes.subarray(5), 0), received(19, true), "again");
  const [pending] = scorings.pending(0, 10);
  assert.equal(pending?.id, id);
  const job = await scorings.job(pending ?? assert.fail());
  assert.deepEqual(
    [job?.class, job?.submissionId, job?.prompt, job?.asset.value],
    [JobClass.SCORING, id, "a cup", bytes],
  );
  assert.deepEqual(readdirSync(join(opened.subnet.directory, "uploads")), []);
});

test("two pieces at one time are written one after the other", async () => {
  await using opened = await open();
  const id = opened.make();
  const [, last] = await Promise.all([
    opened.scorings.upload(id, 0, bytes.subarray(0, 5), 0),
    opened.scorings.upload(id, 5, bytes.subarray(5), 0),
  ]);
  assert.deepEqual(last, { kind: "received", bytes: 19, isWhole: true });
});

test("bytes of another hash are not taken, and the upload begins anew", async () => {
  await using opened = await open();
  const id = opened.make();
  assert.deepEqual(await opened.scorings.upload(id, 0, Buffer.alloc(19), 0), {
    kind: "wrong-hash",
  });
  assert.equal(await opened.scorings.receivedBytes(opened.scorings.get(id) ?? assert.fail()), 0);
  await opened.scorings.upload(id, 0, bytes, 0);
  assert.equal(opened.scorings.get(id)?.state, "queued");
});

test("the result is a report that the validator signed, and counts once", async () => {
  await using opened = await open();
  const { scorings, subnet } = opened;
  const id = await opened.queued();
  const changes: string[] = [];
  const watching = (async () => {
    for await (const { state } of scorings.watch(id, new AbortController().signal)) {
      changes.push(state);
    }
  })();
  assert.equal(scorings.applyResult(subnet.scored(id, 0.9), 2_000), "applied");
  assert.equal(scorings.applyResult(subnet.scored(id, 0.1), 3_000), "repeated");
  await watching;
  assert.deepEqual(changes, ["queued", "scored"]);
  const report = scorings.get(id)?.report ?? assert.fail();
  assert.deepEqual(
    [report.score, report.fidelity, report.validatorHotkey, report.minerHotkey],
    [0.9, 1, validator.ss58, ""],
  );
  assert.equal(report.signature.length, 64);
  assert.deepEqual(scorings.pending(0, 10), []);
  assert.equal(scorings.applyResult(subnet.scored("other", 1), 0), "unknown");
  assert.deepEqual(
    opened.ends.map(({ scoring, waitedMs }) => [scoring.id, scoring.report?.score, waitedMs]),
    [[id, 0.9, 1_000]],
  );
});

test("what cannot be scored says why, and who is at fault", async () => {
  await using opened = await open();
  const { scorings, subnet } = opened;
  const invalid = await opened.queued("a");
  const value = {
    $typeName: "turntable.bus.v1.InvalidAsset" as const,
    code: "flat",
    message: "no",
  };
  scorings.applyResult(subnet.result(invalid, { case: "invalidAsset", value }), 0);
  const broken = await opened.queued("b");
  scorings.applyResult(subnet.scored(broken, Number.NaN), 0);
  const lost = await opened.queued("c");
  scorings.fail(lost, "the asset was lost", 0);
  assert.deepEqual(
    [invalid, broken, lost].map((id) => scorings.get(id)?.failure),
    [
      { code: "invalid-asset", message: "flat: no" },
      { code: "system-fault", message: "scoring failed" },
      { code: "system-fault", message: "the asset was lost" },
    ],
  );
});

test("a replayed job overrules a fault of ours, once, and nothing else", async () => {
  await using opened = await open();
  const { scorings, subnet, ends } = opened;
  const id = await opened.queued();
  const fault = () => scorings.applyResult(subnet.scored(id, Number.NaN), 2_000);
  assert.equal(fault(), "applied");
  assert.equal(fault(), "repeated", "another fault says nothing new");
  scorings.cancel(id, 2_500);
  assert.equal(scorings.get(id)?.failure?.code, "system-fault");
  assert.equal(scorings.applyResult(subnet.scored(id, 0.9), 3_000), "applied");
  const { state, failure, report } = scorings.get(id) ?? assert.fail();
  assert.deepEqual([state, failure, report?.score], ["scored", undefined, 0.9]);
  assert.equal(scorings.applyResult(subnet.scored(id, 0.1), 4_000), "repeated");
  const cancelled = await opened.queued();
  scorings.cancel(cancelled, 5_000);
  assert.equal(scorings.applyResult(subnet.scored(cancelled, 0.9), 6_000), "repeated");
  assert.equal(scorings.get(cancelled)?.failure?.code, "cancelled");
  assert.deepEqual(
    ends.map(({ scoring, waitedMs }) => [scoring.failure?.code ?? scoring.state, waitedMs]),
    [
      ["system-fault", 1_000],
      ["scored", 1_000],
      ["cancelled", 4_000],
    ],
  );
});

test("one client has so many open, and all together so many; a request id needs no room again", async () => {
  await using opened = await open();
  const { scorings, ask } = opened;
  const first = ask("ann", "r");
  assert.equal(first.kind, "created");
  opened.make("ann");
  assert.deepEqual(ask("ann"), { kind: "full", of: "client", limit: 2 });
  assert.equal(ask("ann", "r").kind, "repeated");
  assert.equal(ask("ann", "r", "another prompt").kind, "conflict");
  opened.make("bob");
  assert.deepEqual(ask("bob", "r"), { kind: "full", of: "all", limit: 3 });
  scorings.cancel(first.kind === "created" ? first.scoring.id : "", 2_000);
  assert.equal(ask("bob", "r").kind, "created", "a request id is the client's own");
});

test("what takes too long ends, and what has ended is forgotten with its asset", async () => {
  await using opened = await open();
  const { scorings, subnet } = opened;
  const upload = opened.make();
  const waiting = await opened.queued();
  assert.ok(scorings.keepsAsset(sha256));
  const hourMs = 3_600_000;
  scorings.tick(999 + hourMs);
  assert.equal(scorings.get(upload)?.state, "uploading");
  scorings.tick(1_000 + hourMs);
  assert.deepEqual(
    [upload, waiting].map((id) => scorings.get(id)?.failure?.code),
    ["expired", "expired"],
  );
  assert.ok(!scorings.keepsAsset(sha256));
  assert.deepEqual(await scorings.upload(upload, 0, bytes, 0), { kind: "ended" });
  scorings.tick(1_000 + 25 * hourMs);
  assert.equal(scorings.get(upload), undefined);
  assert.deepEqual(subnet.store.all("SELECT * FROM scorings"), []);
});

test("a result that is not taken leaves the scoring to another job, once", async () => {
  await using opened = await open();
  const { scorings, subnet } = opened;
  const id = await opened.queued();
  scorings.discard(subnet.scored(id, 0.9));
  scorings.discard(subnet.scored(id, 0.9)); // it came again
  const waiting = scorings.stillPending(id) ?? assert.fail("it has ended");
  assert.equal((await scorings.job(waiting))?.replica, 1);
});
