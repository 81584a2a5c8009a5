import assert from "node:assert/strict";
import { test } from "node:test";
import { verifySignature } from "@turntable/bittensor/keys";
import { canonicalReport, type RenderScoreResult } from "@turntable/proto";
import { openRules, rules, validator } from "../../test/rules.ts";
import { historyOf, scoresOf, verdictCountsOf } from "../miners/index.ts";
import { checkStore } from "../store/index.ts";

type Opened = Awaited<ReturnType<typeof openRules>>;

const replace = ({ store, submissions }: Opened, id: string, result: RenderScoreResult, now = 9) =>
  store.transaction(() => submissions.replaceScore(id, result, now));

async function judged(opened: Opened, score: number, hotkey = "A", now = 1): Promise<string> {
  const { id } = await opened.submit(opened.ask(), hotkey, now);
  opened.submissions.applyResult(opened.scored(id, score), now);
  return id;
}

const faults = async ({ directory }: Opened) =>
  (await checkStore(directory, { deep: false, windowMs: rules.windowMs, now: 10 })).results.filter(
    ({ wrong }) => wrong > 0,
  );

test("a score that was too high is replaced, and the reward goes; what was told stays", async () => {
  using subnet = await openRules();
  const id = await judged(subnet, 0.9);
  const replaced = replace(subnet, id, subnet.scored(id, 0.3));
  assert.deepEqual(replaced, {
    ...{ submissionId: id, hotkey: "A", verdict: "accepted", isRewarded: true },
    ...{ before: { score: 0.9, fidelity: 1 }, after: { score: 0.3, fidelity: 0 } },
  });
  assert.equal(subnet.miners.get("A", 9).observations, 0);
  const assignment = subnet.tasks.assignment(id);
  assert.deepEqual([assignment?.state, assignment?.score], ["accepted", 0.3]);
  assert.equal(subnet.submissions.get(id)?.feedback?.score, 0.9);
  const [entry] = historyOf(subnet.store, "A", 10);
  assert.deepEqual(
    [entry?.code, entry?.verdict, entry?.score, entry?.fidelity, entry?.reward],
    ["score-replaced", "accepted", 0.3, 0, 0],
  );
  assert.match(entry?.reason ?? "", /^scored again: 0.300 instead of 0.900, since the worker/);
  assert.deepEqual(verdictCountsOf(subnet.store, "A"), [
    { verdict: "accepted", code: "accepted", count: 1 },
  ]);
  const { lastDay } = scoresOf(subnet.store, 9);
  assert.equal(
    lastDay.reduce((sum, count) => sum + count, 0),
    1,
    "one result",
  );
  assert.deepEqual(await faults(subnet), []);
});

test("the report has both scores, and is signed anew", async () => {
  using subnet = await openRules();
  const id = await judged(subnet, 0.9);
  replace(subnet, id, subnet.scored(id, 0.7));
  replace(subnet, id, subnet.scored(id, 0.65), 12);
  const report = subnet.reports.get(id) ?? assert.fail();
  assert.deepEqual([report.score, report.fidelity, report.minerHotkey], [0.65, 0.75, "A"]);
  assert.deepEqual([report.jobId, report.submissionId], [id, id], "not those of an audit");
  assert.deepEqual(
    historyOf(subnet.store, "A", 10).map(({ code }) => code),
    ["score-replaced", "accepted"],
    "the miner is told when what it earned is another",
  );
  assert.deepEqual(
    report.replacedScores.map(({ score, fidelity }) => [score, fidelity]),
    [
      [0.9, 1],
      [0.7, 0.75],
    ],
  );
  assert.ok(verifySignature(canonicalReport(report), report.signature, validator.ss58));
  const invalid = { code: "empty", message: "no splats" };
  replace(subnet, id, subnet.result(id, { case: "invalidAsset", value: invalid }));
  const last = subnet.reports.get(id);
  assert.deepEqual([last?.fidelity, last?.replacedScores.length], [0, 3]);
  assert.equal(subnet.tasks.assignment(id)?.score, undefined);
  assert.deepEqual(await faults(subnet), []);
});

test("a score that was too low is replaced, and the miner is rewarded", async () => {
  using subnet = await openRules();
  const low = await judged(subnet, 0.3);
  const { id: invalid } = await subnet.submit(subnet.ask(), "A", 2);
  const value = { code: "empty", message: "no splats" };
  subnet.submissions.applyResult(subnet.result(invalid, { case: "invalidAsset", value }), 2);
  for (const id of [low, invalid]) {
    assert.equal(replace(subnet, id, subnet.scored(id, 0.9))?.isRewarded, true);
  }
  const { observations, averageFidelity, scored } = subnet.miners.get("A", 9);
  assert.deepEqual([observations, averageFidelity, scored], [2, 1, 2]);
  assert.equal(subnet.tasks.assignment(low)?.state, "rejected");
  assert.deepEqual(await faults(subnet), []);
});

for (const countRejected of [false, true]) {
  test(`the average is what it would be, rejected counted: ${countRejected}`, async () => {
    const own = { ...rules, countRejected };
    using wrong = await openRules({ rules: own });
    using right = await openRules({ rules: own });
    const given = [0.9, 0.7, 0.9, 0.1, 0.65, 0.95];
    const true_ = [0.7, 0.7, 0.2, 0.85, 0.65, 0.95];
    const ids: string[] = [];
    for (const [at, score] of given.entries()) {
      ids.push(await judged(wrong, score, "A", at + 1));
      await judged(right, true_[at] ?? 0, "A", at + 1);
    }
    for (const at of [2, 0, 3]) {
      replace(wrong, ids[at] ?? "", wrong.scored(ids[at] ?? "", true_[at] ?? 0), 20);
    }
    const expected = right.miners.get("A", 20);
    const { averageFidelity, observations, reward } = wrong.miners.get("A", 20);
    assert.ok(Math.abs(averageFidelity - expected.averageFidelity) < 1e-12);
    assert.ok(Math.abs(reward - expected.reward) < 1e-9);
    assert.equal(observations, expected.observations);
    assert.deepEqual(await faults(wrong), []);
  });
}

test("what has left the window earns nothing more or less; its score is replaced", async () => {
  using subnet = await openRules();
  const id = await judged(subnet, 0.9);
  const before = subnet.miners.get("A", 9).averageFidelity;
  const replaced = replace(subnet, id, subnet.scored(id, 0.3), rules.windowMs + 2);
  assert.equal(replaced?.isRewarded, false);
  assert.equal(subnet.miners.get("A", 9).averageFidelity, before);
  assert.equal(subnet.tasks.assignment(id)?.score, 0.3);
  assert.equal(subnet.reports.get(id)?.replacedScores.length, 1);
  const low = await judged(subnet, 0.3, "B");
  const late = replace(subnet, low, subnet.scored(low, 0.9), rules.windowMs + 2);
  assert.deepEqual([late?.isRewarded, late?.after], [false, { score: 0.9, fidelity: 0 }]);
});

test("a fault of ours before the verdict that is replaced leaves the average alone", async () => {
  using wrong = await openRules();
  using right = await openRules();
  for (const [opened, score] of [
    [wrong, 0.9],
    [right, 0.7],
  ] as const) {
    const { id } = await opened.submit(opened.ask(), "A", 1);
    opened.submissions.fail(id, "nobody scored it", 2);
    opened.submissions.applyResult(opened.scored(id, score), 3);
    replace(opened, id, opened.scored(id, 0.7));
  }
  const expected = right.miners.get("A", 9).averageFidelity;
  assert.ok(Math.abs(wrong.miners.get("A", 9).averageFidelity - expected) < 1e-12);
});

test("one task is rewarded once, and what was withdrawn stays so", async () => {
  using subnet = await openRules();
  const task = subnet.ask();
  const first = await subnet.submit(task, "A", 1, Buffer.from("one"));
  subnet.submissions.applyResult(subnet.scored(first.id, 0.2), 1);
  const second = await subnet.submit(task, "A", 2, Buffer.from("two"));
  subnet.submissions.applyResult(subnet.scored(second.id, 0.9), 2);
  assert.equal(replace(subnet, first.id, subnet.scored(first.id, 0.9))?.isRewarded, false);
  assert.equal(subnet.miners.get("A", 9).observations, 1);
  subnet.miners.withdraw(second.id);
  assert.equal(replace(subnet, second.id, subnet.scored(second.id, 0.95))?.isRewarded, false);
  assert.equal(subnet.miners.get("A", 9).observations, 0);
});

test("what has no verdict, or was a fault of ours, has no score to replace", async () => {
  using subnet = await openRules();
  const { id } = await subnet.submit(subnet.ask(), "A");
  assert.equal(replace(subnet, id, subnet.scored(id, 0.9)), undefined);
  assert.equal(replace(subnet, "nobody's", subnet.scored("nobody's", 0.9)), undefined);
  subnet.submissions.applyResult(subnet.scored(id, 0.9), 1);
  assert.equal(replace(subnet, id, subnet.scored(id, Number.NaN)), undefined);
});

test("a result that is not taken leaves the submission to another job, once", async () => {
  using subnet = await openRules();
  const { id } = await subnet.submit(subnet.ask(), "A");
  const result = subnet.scored(id, 0.9);
  subnet.submissions.discard(result);
  subnet.submissions.discard(result); // it came again
  const waiting = subnet.submissions.stillPending(id) ?? assert.fail();
  assert.equal(waiting.replica, 1);
  assert.equal(waiting.secondLook, false, "no fault was seen");
  assert.equal((await subnet.submissions.job(waiting))?.replica, 1);
  const value = { message: "it was given up" };
  const fault = subnet.result(id, { case: "systemFault", value }, undefined, 1);
  await judged(subnet, 0.9, "B", 2); // others are scored meanwhile
  const outcome = subnet.submissions.applyResult(fault, 3);
  assert.ok(outcome.kind === "applied");
  assert.equal(outcome.feedback.verdict, "system-fault", "a first fault is ours");
});
