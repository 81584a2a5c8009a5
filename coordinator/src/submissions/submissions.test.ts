import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { JobClass } from "@turntable/proto";
import { openRules, rules, submissionOf } from "../../test/rules.ts";
import { historyOf } from "../miners/index.ts";
import { createSubmissions } from "./index.ts";

test("a submission is on disk, asset and row, when it is taken", async () => {
  using subnet = await openRules();
  const { id, assetSha256 } = await subnet.submit(subnet.ask(), "A", 7);
  assert.deepEqual(readdirSync(subnet.assetsDir), [assetSha256]);
  const stored = subnet.submissions.get(id);
  assert.equal(
    stored?.id,
    subnet.tasks.latestAssignment("A")?.id,
    "the assignment's id is its own",
  );
  assert.deepEqual(
    [stored?.receivedAt, stored?.submitTime, stored?.dispatch, stored?.feedback],
    [7, 1_764_000_000_000_000_001n, 0, undefined],
  );
  assert.equal(subnet.tasks.assignment(id)?.state, "scoring");
});

test("an assignment takes one submission, however many come at once", async () => {
  using subnet = await openRules();
  const assignment = subnet.tasks.assign(subnet.ask(), "A", 0);
  const [first, second] = await Promise.all(
    ["one", "two"].map((text) =>
      subnet.submissions.receive(submissionOf(assignment, Buffer.from(text)), 1),
    ),
  );
  assert.ok(first?.isNew);
  assert.deepEqual(second, { ...first, isNew: false }, "so that nobody counts it twice");
  assert.equal(subnet.submissions.pending(0, 10).length, 1);
});

test("an assignment that has ended takes none", async () => {
  using subnet = await openRules();
  const assignment = subnet.tasks.assign(subnet.ask(), "A", 0);
  subnet.tasks.abandon(assignment.id, "given back", 1);
  assert.equal(
    await subnet.submissions.receive(submissionOf(assignment, Buffer.from("late")), 2),
    undefined,
  );
});

test("applying a result says what it did", async () => {
  using subnet = await openRules();
  const { submissions, scored } = subnet;
  const submission = await subnet.submit(subnet.ask(), "A");
  const outcome = submissions.applyResult(scored(submission.id, 0.9), 5);
  assert.ok(outcome.kind === "applied");
  assert.deepEqual([outcome.hotkey, outcome.feedback.verdict], ["A", "accepted"]);
  assert.equal(outcome.feedback.cooldownUntil, 5 + rules.cooldownMs);
  assert.deepEqual(outcome.submission, submissions.get(submission.id));
  assert.deepEqual(submissions.applyResult(scored(submission.id, 0.2), 6), { kind: "repeated" });
  assert.deepEqual(submissions.applyResult(scored("nobody's", 0.9), 6), { kind: "unknown" });
  assert.deepEqual(submissions.fail(submission.id, "lost", 7), { kind: "repeated" });
  assert.deepEqual(submissions.fail("nobody's", "lost", 7), { kind: "unknown" });
});

test("a verdict is written whole or not at all", async () => {
  using subnet = await openRules();
  const { submissions, store, miners } = subnet;
  const { id } = await subnet.submit(subnet.ask(), "A");
  store.run("ALTER TABLE reports RENAME TO hidden"); // the last of what is written fails
  assert.throws(() => submissions.applyResult(subnet.scored(id, 0.9), 5), /reports/);
  assert.equal(submissions.get(id)?.feedback, undefined);
  assert.equal(subnet.tasks.assignment(id)?.state, "scoring");
  assert.equal(miners.get("A", 5).observations, 0);
  store.run("ALTER TABLE hidden RENAME TO reports");
  assert.equal(submissions.applyResult(subnet.scored(id, 0.9), 6).kind, "applied");
  assert.equal(miners.get("A", 6).observations, 1);
});

test("a fault of ours is overruled by a verdict, and only by one", async () => {
  using subnet = await openRules();
  const { submissions } = subnet;
  const { id } = await subnet.submit(subnet.ask(), "A");
  const failed = submissions.fail(id, "the asset was lost", 5);
  assert.ok(failed.kind === "applied");
  assert.deepEqual(
    [failed.feedback.verdict, failed.feedback.reason, failed.feedback.cooldownUntil],
    ["system-fault", "the asset was lost", 0],
  );
  assert.equal(submissions.stillPending(id), undefined);
  assert.equal(submissions.fail(id, "again", 6).kind, "repeated");
  assert.equal(submissions.applyResult(subnet.scored(id, 0.7), 7).kind, "applied");
  assert.equal(submissions.get(id)?.feedback?.verdict, "accepted");
});

test("fault 6: each outcome of a worker becomes its verdict", async () => {
  using subnet = await openRules();
  const { submissions, result, scored } = subnet;
  const expected = [
    ["A", scored, 0.6, "accepted", 0.75],
    ["B", scored, 0.599, "rejected", 0],
    ["C", scored, 1.5, "system-fault", 0],
    ["D", scored, Number.NaN, "system-fault", 0],
  ] as const;
  for (const [hotkey, outcomeOf, score, verdict, fidelity] of expected) {
    const { id } = await subnet.submit(subnet.ask(), hotkey);
    submissions.applyResult(outcomeOf(id, score), 1);
    const feedback = submissions.get(id)?.feedback;
    assert.deepEqual([feedback?.verdict, feedback?.fidelity], [verdict, fidelity]);
  }
  const { id } = await subnet.submit(subnet.ask(), "E");
  const value = { code: "truncated", message: "the file ends early" };
  submissions.applyResult(result(id, { case: "invalidAsset", value }), 1);
  assert.equal(submissions.get(id)?.feedback?.reason, "truncated: the file ends early");
  const empty = await subnet.submit(subnet.ask(), "F");
  submissions.applyResult({ ...result(empty.id, { case: undefined }) }, 1);
  assert.equal(submissions.get(empty.id)?.feedback?.verdict, "system-fault");
});

test("a rejection names the words that a demonstration model does not know", async () => {
  using subnet = await openRules();
  const words = ["wooden", "b", "c", "d", "e", "f", "g"];
  const { id } = await subnet.submit(subnet.ask(), "A");
  const found = subnet.scored(id, 0.01);
  assert.ok(found.outcome.case === "scored");
  found.outcome.value.unknownWords = words;
  subnet.submissions.applyResult(found, 1);
  assert.equal(
    subnet.submissions.get(id)?.feedback?.reason,
    'scored 0.010, 0.6 is needed; the demonstration model does not know "wooden", "b", "c", "d", "e" and 2 more words',
  );
});

test("whoever waits for a verdict gets it, or nothing when it leaves first", async () => {
  using subnet = await openRules();
  const { submissions } = subnet;
  const { id } = await subnet.submit(subnet.ask(), "A");
  const leave = new AbortController();
  const impatient = submissions.feedback(id, leave.signal);
  const patient = submissions.feedback(id, new AbortController().signal);
  leave.abort();
  assert.equal(await impatient, undefined);
  submissions.applyResult(subnet.scored(id, 0.9), 5);
  assert.equal((await patient)?.verdict, "accepted");
  assert.equal((await submissions.feedback(id, leave.signal))?.verdict, "accepted", "it is there");
});

test("what is pending comes by pages, in the order of arrival, whatever the clock did", async () => {
  using subnet = await openRules();
  const { submissions } = subnet;
  const ids: string[] = [];
  for (const [hotkey, now] of [
    ["A", 900],
    ["B", 500],
    ["C", 700],
    ["D", 100],
  ] as const) {
    ids.push((await subnet.submit(subnet.ask(), hotkey, now)).id);
  }
  submissions.applyResult(subnet.scored(ids[1] ?? "", 0.9), 1_000);
  const first = submissions.pending(0, 2);
  const second = submissions.pending(first.at(-1)?.sequence ?? 0, 2);
  assert.deepEqual(
    [...first, ...second].map(({ id }) => id),
    [ids[0], ids[2], ids[3]],
  );
  assert.deepEqual(submissions.pending(second.at(-1)?.sequence ?? 0, 2), []);
});

test("pending submissions are found by their index, not by looking through all", async () => {
  using subnet = await openRules();
  const plan = subnet.store.all(
    "EXPLAIN QUERY PLAN SELECT * FROM submissions WHERE verdict IS NULL AND sequence > 5 ORDER BY sequence LIMIT 9",
  );
  assert.deepEqual(
    plan.map((step) => Object(step).detail),
    ["SEARCH submissions USING INDEX submissions_pending (sequence>?)"],
  );
});

test("a submission becomes its job, with all that the score depends on", async () => {
  using subnet = await openRules();
  const { submissions, tasks } = subnet;
  const bytes = Buffer.from("the very bytes");
  const submission = await subnet.submit(subnet.ask("a red cube", 1_000), "A", 2_000, bytes);
  const task = tasks.get(tasks.assignment(submission.id)?.taskId ?? "");
  const job = await submissions.job(submission);
  assert.deepEqual(
    [job?.jobId, job?.submissionId, job?.taskId, job?.class, job?.prompt, job?.profile],
    [submission.id, submission.id, task?.id, JobClass.ORGANIC, "a red cube", "sn17-seed"],
  );
  assert.deepEqual(
    [job?.cameraSeed, job?.acceptance, job?.assetSizeBytes, job?.deadline?.seconds],
    [task?.cameraSeed, rules.acceptance, 14n, BigInt((1_000 + rules.taskTimeoutMs) / 1_000)],
  );
  assert.equal(Buffer.from(job?.assetSha256 ?? []).toString("hex"), submission.assetSha256);
  assert.equal(job?.asset.value, bytes, "from memory: it was just written");
  assert.deepEqual((await submissions.job(submission))?.asset.value, bytes, "and from disk");
  rmSync(join(subnet.assetsDir, submission.assetSha256));
  assert.equal(await submissions.job(submission), undefined);
});

const fault = { case: "systemFault", value: { message: "gone" } } as const;

test("faults of a hotkey and task are bounded: then a second worker decides", async () => {
  using subnet = await openRules();
  const { submissions, tasks, result } = subnet;
  const taskId = subnet.ask();
  for (let attempt = 1; attempt <= rules.faultTries; attempt++) {
    const { id } = await subnet.submit(taskId, "A", attempt);
    assert.equal(submissions.applyResult(result(id, fault), attempt).kind, "applied");
  }
  const { id } = await subnet.submit(taskId, "A", 10);
  assert.equal(submissions.applyResult(result(id, fault), 11).kind, "again");
  const waiting = submissions.stillPending(id) ?? assert.fail();
  assert.equal((await submissions.job(waiting))?.replica, 1);
  assert.equal(tasks.assignment(id)?.state, "scoring");
  assert.equal(submissions.applyResult(result(id, fault), 12).kind, "repeated", "an old result");
  const other = await subnet.submit(subnet.ask(), "B", 13);
  submissions.applyResult(subnet.scored(other.id, 0.9), 13);
  const killer = submissions.applyResult(result(id, fault, undefined, 1), 14);
  assert.ok(killer.kind === "applied");
  assert.equal(killer.feedback.verdict, "invalid-asset");
  assert.match(killer.feedback.reason, /^kills-workers: two workers/);
  assert.equal(killer.feedback.cooldownUntil, 14 + rules.cooldownMs);
});

test("faults are looked into whatever the miner hands in between them", async () => {
  using subnet = await openRules();
  const { submissions, result } = subnet;
  for (let attempt = 0; attempt < rules.faultTries; attempt++) {
    const killer = await subnet.submit(subnet.ask(), "A");
    assert.equal(submissions.applyResult(result(killer.id, fault), 1).kind, "applied");
    const between = await subnet.submit(subnet.ask(), "A");
    submissions.applyResult(subnet.scored(between.id, 0.1), 2);
  }
  const { id } = await subnet.submit(subnet.ask(), "A");
  assert.equal(submissions.applyResult(result(id, fault), 3).kind, "again");
});

test("a second worker that can score it gives the verdict", async () => {
  using subnet = await openRules();
  const { submissions, result } = subnet;
  for (let attempt = 0; attempt < rules.faultTries; attempt++) {
    const { id } = await subnet.submit(subnet.ask(), "A"); // other tasks count as well
    submissions.applyResult(result(id, fault), 1);
  }
  const { id } = await subnet.submit(subnet.ask(), "A");
  assert.equal(submissions.applyResult(result(id, fault), 2).kind, "again");
  assert.equal(submissions.applyResult(subnet.scored(id, 0.9), 3).kind, "applied");
  assert.equal(submissions.get(id)?.feedback?.verdict, "accepted");
});

test("while nothing at all is scored it is a fault of ours still, and the task is lent to that miner no more", async () => {
  using subnet = await openRules();
  const { submissions, tasks, result } = subnet;
  const taskId = subnet.ask();
  const old = await subnet.submit(subnet.ask(), "B");
  submissions.applyResult(subnet.scored(old.id, 0.9), 0);
  for (let attempt = 0; attempt <= rules.faultTries; attempt++) {
    const { id } = tasks.assignOrganic("A", 1) ?? assert.fail("not lent");
    const assignment = tasks.assignment(id) ?? assert.fail();
    await submissions.receive(submissionOf(assignment, Buffer.from(id)), 1);
    const outcome = submissions.applyResult(result(id, fault), 2);
    if (outcome.kind === "again") {
      submissions.applyResult(result(id, fault, undefined, 1), 3);
    }
    assert.equal(submissions.get(id)?.feedback?.verdict, "system-fault");
    assert.equal(submissions.get(id)?.feedback?.cooldownUntil, 0);
  }
  assert.equal(tasks.get(taskId)?.state, "queued");
  assert.equal(tasks.assignOrganic("A", 4), undefined);
  assert.ok(tasks.assignOrganic("C", 4));
});

test("a replayed dead letter after a second, accepted try does not pay twice, in whatever order they are scored", async () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    using subnet = await openRules();
    const { submissions, miners } = subnet;
    const taskId = subnet.ask();
    const first = await subnet.submit(taskId, "A", 0, Buffer.from("one"));
    submissions.applyResult(subnet.result(first.id, fault), 1);
    const second = await subnet.submit(taskId, "A", 2, Buffer.from("two"));
    const tries = [first.id, second.id];
    for (const index of order) {
      assert.equal(
        submissions.applyResult(subnet.scored(tries[index] ?? "", 0.9), 3).kind,
        "applied",
      );
    }
    assert.equal(miners.get("A", 4).observations, 1, `scored in the order ${order}`);
    assert.equal(submissions.get(first.id)?.feedback?.verdict, "accepted");
  }
});

test("fault 5: what nobody scores ends as a fault of ours at its task's deadline plus a grace, without a penalty", async () => {
  using subnet = await openRules();
  const { submissions, tasks, miners } = subnet;
  const taskId = subnet.ask("a red cube", 0);
  const { id } = await subnet.submit(taskId, "A", 1_000);
  const due = rules.taskTimeoutMs + rules.verdictGraceMs;
  tasks.expire(due - 1);
  assert.deepEqual(submissions.failOverdue(due - 1), []);
  assert.equal(tasks.get(taskId)?.state, "scoring");
  assert.deepEqual(
    submissions.failOverdue(due).map(({ kind }) => kind),
    ["applied"],
  );
  assert.equal(submissions.get(id)?.feedback?.verdict, "system-fault");
  assert.equal(tasks.get(taskId)?.state, "failed");
  const { cooldownUntil, violations, silences } = miners.get("A", due);
  assert.deepEqual([cooldownUntil, violations, silences], [0, 0, 0]);
  assert.equal(submissions.applyResult(subnet.scored(id, 0.9), due + 1).kind, "applied");
  assert.equal(miners.get("A", due + 1).observations, 1, "a late verdict still pays");
});

test("a violation and the refusal beside it are written together or not at all", async () => {
  using subnet = await openRules();
  const { submissions, tasks, miners } = subnet;
  const assignment = tasks.assign(subnet.ask(), "A", 0);
  tasks.abandon(assignment.id, "given back", 1);
  const refuse = () =>
    submissions.refuse(assignment, { kind: "rejected", reason: "x" }, 2, "violation");
  assert.throws(refuse, /has ended/);
  assert.deepEqual([miners.get("A", 2).violations, miners.get("A", 2).cooldownUntil], [0, 0]);
});

test("of submissions that come at one time for one assignment, one is written", async () => {
  using subnet = await openRules();
  const assignment = subnet.tasks.assign(subnet.ask(), "A", 0);
  const made = await Promise.all(
    ["a", "b", "c"].map((text) =>
      subnet.submissions.receive(submissionOf(assignment, Buffer.from(text)), 0),
    ),
  );
  const [first, ...others] = made;
  assert.deepEqual(readdirSync(subnet.assetsDir), [first?.submission.assetSha256]);
  for (const other of others) {
    assert.deepEqual(other?.submission, first?.submission);
  }
});

test("what is saved when its assignment has ended is not left behind, unless another has the same bytes", async () => {
  using subnet = await openRules();
  const [late, same] = ["A", "B"].map((hotkey) => subnet.tasks.assign(subnet.ask(), hotkey, 0));
  assert.ok(late !== undefined && same !== undefined);
  for (const expected of [0, 1]) {
    if (expected === 1) {
      await subnet.submissions.receive(submissionOf(same, Buffer.from("x")), 0);
    }
    const receiving = subnet.submissions.receive(submissionOf(late, Buffer.from("x")), 0);
    subnet.tasks.abandon(late.id, "too late", 0);
    assert.equal(await receiving, undefined);
    assert.equal(readdirSync(subnet.assetsDir).length, expected);
  }
});

test("those that wait are counted, after a restart, too", async () => {
  using subnet = await openRules();
  const { submissions } = subnet;
  const ids: string[] = [];
  for (const hotkey of ["A", "B", "C"]) {
    ids.push((await subnet.submit(subnet.ask(), hotkey)).id);
  }
  assert.equal(submissions.countPending(), 3);
  const [first = "", second = ""] = ids;
  submissions.applyResult(subnet.scored(first, 0.9), 0);
  submissions.fail(second, "lost", 0);
  submissions.applyResult(subnet.scored(second, 0.9), 0); // overrules
  submissions.applyResult(subnet.scored(second, 0.9), 0);
  assert.equal(submissions.countPending(), 1);
  assert.equal(createSubmissions({ ...subnet, rules }).countPending(), 1);
});

test("a cancelled task ends what was handed in for it, at no cost, and a worker's result comes too late", async () => {
  using subnet = await openRules();
  const { submissions, tasks, miners, store } = subnet;
  const taskId = subnet.ask();
  const judged = await subnet.submit(taskId, "A");
  const pending = await subnet.submit(taskId, "B");
  tasks.assign(taskId, "C", 1);
  submissions.applyResult(subnet.scored(judged.id, 0.9), 2);
  const before = ["A", "B", "C"].map((hotkey) => miners.get(hotkey, 5));
  const waiting = submissions.feedback(pending.id, new AbortController().signal);
  assert.equal(submissions.cancel(taskId, 5).kind, "cancelled");
  const feedback = await waiting;
  assert.deepEqual(
    [feedback?.verdict, feedback?.cooldownUntil, feedback?.score],
    ["cancelled", 0, 0],
  );
  assert.deepEqual(submissions.pending(0, 10), []);
  assert.equal(submissions.countPending(), 0);
  assert.equal(submissions.applyResult(subnet.scored(pending.id, 0.9), 6).kind, "repeated");
  const fault = { case: "systemFault", value: { message: "given up" } } as const;
  assert.equal(
    submissions.applyResult(subnet.result(pending.id, fault), 6).kind,
    "repeated",
    "nor does a dead letter",
  );
  assert.equal(submissions.cancel(taskId, 7).kind, "repeated");
  assert.deepEqual(
    ["A", "B", "C"].map((hotkey) => miners.get(hotkey, 5)),
    before,
  );
  for (const hotkey of ["B", "C"]) {
    const told = historyOf(store, hotkey, 10).map(({ code, cooldownUntil }) => [
      code,
      cooldownUntil,
    ]);
    assert.deepEqual(told, [["cancelled", 0]], `${hotkey}, once`);
  }
});

test("a cancellation is written whole or not at all", async () => {
  using subnet = await openRules();
  const { submissions, tasks, store } = subnet;
  const taskId = subnet.ask();
  const { id } = await subnet.submit(taskId, "A");
  store.run("ALTER TABLE verdicts RENAME TO hidden");
  assert.throws(() => submissions.cancel(taskId, 5), /verdicts/);
  assert.deepEqual([tasks.get(taskId)?.state, tasks.assignment(id)?.state], ["scoring", "scoring"]);
  assert.equal(submissions.countPending(), 1);
  store.run("ALTER TABLE hidden RENAME TO verdicts");
  assert.equal(submissions.cancel(taskId, 6).kind, "cancelled");
});
