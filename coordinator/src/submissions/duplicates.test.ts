import assert from "node:assert/strict";
import { test } from "node:test";
import { readSpz, type Splat, writeSpz } from "@turntable/splat";
import { geometryBytes, geometryOf } from "@turntable/splat/fingerprint";
import { ball, createRandom, noisy, reordered } from "@turntable/splat/test";
import { openRules, rules } from "../../test/rules.ts";
import { defaultDuplicateLimits } from "./duplicates.ts";

const bytes = Buffer.from("the very bytes");
const random = createRandom(3);
const original = ball(900, random);
const geometry = (splat: Splat) => geometryBytes(geometryOf(splat));

type Subnet = Awaited<ReturnType<typeof openRules>>;

/** A task of its own for each try. */
const submit = (subnet: Subnet, hotkey: string, now = 0, content?: Uint8Array) =>
  subnet.submit(subnet.ask("a red cube", now), hotkey, now, content);
const verdictOf = (subnet: Subnet, id: string) => subnet.submissions.get(id)?.feedback?.verdict;
const rewarded = (subnet: Subnet, hotkey: string, now = 1) =>
  subnet.miners.get(hotkey, now).observations;

test("the same bytes again have their verdict before anything is dispatched, whoever sends them", async () => {
  using subnet = await openRules();
  const first = await submit(subnet, "A", 0, bytes);
  const byAnother = await submit(subnet, "B", 1, bytes);
  assert.equal(byAnother.feedback?.verdict, "duplicate");
  assert.match(byAnother.feedback?.reason ?? "", /^duplicate: the same bytes/);
  assert.equal(byAnother.feedback?.cooldownUntil, 1 + rules.cooldownMs);
  subnet.submissions.applyResult(subnet.scored(first.id, 0.9), 2);
  const byItself = await submit(subnet, "A", 3, bytes);
  assert.equal(byItself.feedback?.verdict, "duplicate");
  assert.deepEqual(subnet.submissions.pending(0, 10), []);
  assert.equal(subnet.submissions.applyResult(subnet.scored(byItself.id, 0.9), 4).kind, "repeated");
  assert.deepEqual([rewarded(subnet, "A", 5), rewarded(subnet, "B", 5)], [1, 0]);
  const [assignment] = subnet.tasks.get(subnet.tasks.assignment(byAnother.id)?.taskId ?? "")
    ?.assignments ?? [assert.fail()];
  assert.deepEqual([assignment?.state, assignment?.score], ["duplicate", undefined]);
});

test("what was rejected, could not be read, or met a fault of ours may be handed in again", async () => {
  using subnet = await openRules();
  const outcomes = [
    (id: string) => subnet.scored(id, 0.2),
    (id: string) => subnet.result(id, { case: "systemFault", value: { message: "gone" } }),
    (id: string) => subnet.result(id, { case: "invalidAsset", value: { code: "x", message: "y" } }),
  ];
  for (const outcome of outcomes) {
    const { id } = await submit(subnet, "A", 0, bytes);
    assert.equal(subnet.submissions.applyResult(outcome(id), 1).kind, "applied");
  }
  assert.equal((await submit(subnet, "B", 2, bytes)).feedback, undefined);
});

test("a second try at the task, after a fault of ours, is no duplicate of the first", async () => {
  using subnet = await openRules();
  const taskId = subnet.ask();
  const first = await subnet.submit(taskId, "A", 0, bytes);
  subnet.submissions.fail(first.id, "gone", 1);
  const second = await subnet.submit(taskId, "A", 2, bytes);
  subnet.submissions.applyResult(subnet.scored(second.id, 0.9, geometry(original)), 3);
  assert.equal(verdictOf(subnet, second.id), "accepted");
  subnet.submissions.applyResult(subnet.scored(first.id, 0.9, geometry(original)), 4);
  assert.equal(verdictOf(subnet, first.id), "accepted", "replayed");
});

test("the same object is known again in another order, as SPZ and with noise; another one is not", async () => {
  using subnet = await openRules();
  const first = await submit(subnet, "A");
  subnet.submissions.applyResult(subnet.scored(first.id, 0.7, geometry(original)), 1);
  const copies = [
    original,
    reordered(original, random),
    noisy(original, 0.001, random),
    await readSpz(writeSpz(reordered(original, random))),
  ];
  for (const [index, copy] of copies.entries()) {
    const { id } = await submit(subnet, `copy ${index}`, 2);
    subnet.submissions.applyResult(subnet.scored(id, 0.99, geometry(copy)), 3);
    assert.equal(verdictOf(subnet, id), "duplicate", `copy ${index}`);
    assert.equal(rewarded(subnet, `copy ${index}`, 4), 0);
  }
  const other = await submit(subnet, "B", 2);
  subnet.submissions.applyResult(subnet.scored(other.id, 0.7, geometry(ball(900, random))), 3);
  assert.equal(verdictOf(subnet, other.id), "accepted");
  assert.match(subnet.reports.get(first.id)?.minerHotkey ?? "", /^A$/);
});

test("a worker that sends no fingerprint, or one that cannot be read, makes nothing a duplicate", async () => {
  using subnet = await openRules();
  for (const sent of [undefined, undefined, new Uint8Array(3), new Uint8Array(284).fill(255)]) {
    const { id } = await submit(subnet, "A");
    subnet.submissions.applyResult(subnet.scored(id, 0.7, sent), 1);
    assert.equal(verdictOf(subnet, id), "accepted");
  }
});

test("the first submitter keeps it when the second is scored first: one reward for both", async () => {
  using subnet = await openRules();
  const first = await submit(subnet, "A");
  const second = await submit(subnet, "B");
  subnet.submissions.applyResult(subnet.scored(second.id, 0.9, geometry(original)), 1);
  assert.equal(rewarded(subnet, "B"), 1);
  subnet.submissions.applyResult(subnet.scored(first.id, 0.9, geometry(original)), 1);
  assert.deepEqual([rewarded(subnet, "A"), rewarded(subnet, "B")], [1, 0]);
  assert.equal(verdictOf(subnet, second.id), "accepted", "clients may have seen it");
  subnet.submissions.applyResult(subnet.scored(second.id, 0.9, geometry(original)), 2);
  assert.equal(rewarded(subnet, "B"), 0, "a repeated result does not bring it back");
});

test("beyond the window nobody remembers; no window at all remembers nothing", async () => {
  const windowMs = 1_000;
  using subnet = await openRules({ duplicates: { ...defaultDuplicateLimits, windowMs } });
  const first = await submit(subnet, "A", 0, bytes);
  subnet.submissions.applyResult(subnet.scored(first.id, 0.9, geometry(original)), 0);
  assert.equal((await submit(subnet, "B", windowMs - 1, bytes)).feedback?.verdict, "duplicate");
  const later = await submit(subnet, "B", windowMs, bytes);
  subnet.submissions.applyResult(subnet.scored(later.id, 0.9, geometry(original)), windowMs);
  assert.equal(verdictOf(subnet, later.id), "accepted");
  const kept = subnet.store.all("SELECT id FROM fingerprints");
  assert.deepEqual(
    kept.map((row) => Object(row).id),
    [later.id],
    "what left it is forgotten",
  );

  using without = await openRules({ duplicates: { ...defaultDuplicateLimits, windowMs: 0 } });
  for (const hotkey of ["A", "B"]) {
    const { id } = await submit(without, hotkey, 0, bytes);
    without.submissions.applyResult(without.scored(id, 0.9, geometry(original)), 1);
    assert.equal(verdictOf(without, id), "accepted");
  }
});

test("the rules say whether a duplicate is a violation beside the cooldown", async () => {
  for (const [duplicateCost, violations] of [
    ["rejected", 0],
    ["violation", 1],
  ] as const) {
    using subnet = await openRules({ rules: { ...rules, duplicateCost } });
    await submit(subnet, "A", 0, bytes);
    await submit(subnet, "B", 0, bytes);
    const miner = subnet.miners.get("B", 0);
    assert.deepEqual([miner.violations, miner.cooldownUntil], [violations, rules.cooldownMs]);
  }
});

test("originals are found by their indexes", async () => {
  using subnet = await openRules();
  const plans = [
    "SELECT s.id FROM submissions s WHERE s.asset_sha256 = 'x' AND s.received_at > 5",
    "SELECT id FROM fingerprints WHERE size BETWEEN 1 AND 2 AND at > 5 ORDER BY at DESC LIMIT 9",
    "SELECT id FROM fingerprints WHERE at <= 5 ORDER BY at LIMIT 4",
  ].map((sql) => subnet.store.all(`EXPLAIN QUERY PLAN ${sql}`));
  assert.deepEqual(
    plans.map(([step]) => Object(step).detail),
    [
      "SEARCH s USING INDEX submissions_by_asset (asset_sha256=? AND received_at>?)",
      "SEARCH fingerprints USING INDEX fingerprints_by_size (size>? AND size<?)",
      "SEARCH fingerprints USING INDEX fingerprints_by_time (at<?)",
    ],
  );
});
