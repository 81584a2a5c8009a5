import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  FaultCause,
  JobClass,
  type RenderScoreResult,
  RenderScoreResultSchema,
  ScoreReportSchema,
} from "@turntable/proto";
import { openRules, rules } from "../../test/rules.ts";
import { historyOf } from "../miners/index.ts";
import { checkStore } from "../store/index.ts";
import { type AuditEvent, type AuditOptions, createAudits, defaultAudits } from "./index.ts";

const minuteMs = 60_000;
const never = { share: 0, margin: 0 };

/** The rules with audits, of which none is drawn at random unless a test says so. */
async function open(change: Partial<AuditOptions> & { readonly drawn?: () => number } = {}) {
  const opened = await openRules({
    onJudged: (id, result, now) => audits.choose(id, result, now),
  });
  const { store, submissions } = opened;
  const events: AuditEvent[] = [];
  const start = () =>
    createAudits({
      ...{ store, ...defaultAudits, share: 1, ...change },
      ...{ acceptance: rules.acceptance, windowMs: rules.windowMs },
      submissionOf: submissions.get,
      submissionJob: submissions.job,
      replaceScore: (id, result, now) =>
        store.transaction(() => submissions.replaceScore(id, result, now)),
      random: change.drawn ?? (() => 0),
      onEvent: (event) => void events.push(event),
    });
  let audits = start();
  /** What a worker says of what it was given under this id. */
  const says = (workerId: string, id: string, score: number, replica = 0): RenderScoreResult =>
    create(RenderScoreResultSchema, {
      ...{ jobId: id, submissionId: id, workerId, replica },
      outcome: { case: "scored", value: create(ScoreReportSchema, { score, workerId }) },
    });
  return {
    ...{ ...opened, events, says },
    audits: () => audits,
    /** As after kill -9. */
    restart() {
      audits = start();
    },
    outcomes: () => events.flatMap((event) => (event.kind === "ended" ? event.outcome : [])),
    /** A submission of the miner's that a worker scored. */
    async judged(workerId: string, score: number, hotkey = "A", now = 0) {
      const { id } = await opened.submit(opened.ask("a red cube", now), hotkey, now);
      assert.equal(submissions.applyResult(says(workerId, id, score), now).kind, "applied");
      return id;
    },
    /** The one audit that is open. */
    open() {
      const found = audits.pending(0, 10);
      assert.equal(found.length, 1);
      return found[0] ?? assert.fail();
    },
    check: () => checkStore(opened.directory, { deep: false, windowMs: rules.windowMs, now: 1 }),
  };
}

type Opened = Awaited<ReturnType<typeof open>>;

/** Lets workers answer the open audit in turn. */
function answer({ audits, says, open }: Opened, ...scores: (readonly [string, number])[]): void {
  const { id } = open();
  for (const [worker, score] of scores) {
    const { replica } = audits().stillPending(id) ?? assert.fail("it has ended");
    assert.ok(audits().applyResult(says(worker, id, score, replica), 1));
  }
}

test("a verdict is audited when it is drawn, and always close to the acceptance", async () => {
  const draws = [0.03, 0.01, 0.5, 0.5];
  using subnet = await open({ share: 0.02, drawn: () => draws.shift() ?? 1 });
  await subnet.judged("w1", 0.9, "A");
  assert.deepEqual(subnet.audits().pending(0, 10), [], "it was not drawn, and nothing is near");
  const drawn = await subnet.judged("w1", 0.9, "B");
  const near = await subnet.judged("w1", 0.595, "C");
  await subnet.judged("w1", 0.58, "D");
  assert.deepEqual(
    subnet
      .audits()
      .pending(0, 10)
      .map(({ submissionId, reason }) => [submissionId, reason]),
    [
      [drawn, "sample"],
      [near, "margin"],
    ],
  );
});

test("nothing is audited when that is off, or when the result names no worker", async () => {
  using off = await open(never);
  await off.judged("w1", 0.6);
  assert.equal(off.audits().countOpen(), 0);
  using on = await open();
  await on.judged("", 0.6);
  assert.equal(on.audits().countOpen(), 0);
});

test("an audit's job is another worker's, of the lowest class and leaves no letter", async () => {
  using subnet = await open();
  const id = await subnet.judged("w1", 0.9);
  const audit = subnet.open();
  const job = (await subnet.audits().job(audit)) ?? assert.fail();
  const first =
    (await subnet.submissions.job(subnet.submissions.get(id) ?? assert.fail())) ?? assert.fail();
  assert.deepEqual(job.excludedWorkerIds, ["w1"]);
  assert.deepEqual([job.class, job.expendable], [JobClass.SYNTHETIC, true]);
  assert.notEqual(job.jobId, id);
  assert.equal(job.submissionId, job.jobId);
  assert.deepEqual(
    [job.cameraSeed, job.prompt, job.profile, job.asset],
    [first.cameraSeed, first.prompt, first.profile, first.asset],
    "what the score depends on is the same",
  );
});

test("two that agree end it, once, and the verdict stays", async () => {
  using subnet = await open();
  const id = await subnet.judged("w1", 0.9);
  const { id: audit } = subnet.open();
  answer(subnet, ["w2", 0.905]);
  assert.ok(subnet.audits().applyResult(subnet.says("w3", audit, 0.1), 2), "it is an audit's");
  assert.deepEqual(subnet.outcomes(), ["agreed"]);
  assert.equal(subnet.tasks.assignment(id)?.score, 0.9);
  assert.equal(subnet.audits().applyResult(subnet.says("w3", "nobody's", 0.1), 2), false);
  assert.ok((await subnet.check()).ok);
});

test("two that differ ask a third, who is neither; the worker that is alone drifts", async () => {
  using subnet = await open();
  const id = await subnet.judged("liar", 0.9);
  answer(subnet, ["w2", 0.4]);
  const audit = subnet.open();
  assert.deepEqual((await subnet.audits().job(audit))?.excludedWorkerIds, ["liar", "w2"]);
  assert.equal(audit.replica, 1, "or its result would pass for a double");
  subnet.audits().applyResult(subnet.says("w2", audit.id, 0.4), 1);
  assert.deepEqual(subnet.events, [], "what came again says nothing new");
  answer(subnet, ["w3", 0.41]);
  assert.deepEqual(subnet.outcomes(), ["drifted"]);
  assert.equal(subnet.audits().isQuarantined("liar"), false, "once may be bad luck");
  assert.equal(subnet.tasks.assignment(id)?.score, 0.41, "the score is the others'");
});

test("the second worker may be the one that drifts, and the verdict stays", async () => {
  using subnet = await open();
  const id = await subnet.judged("w1", 0.9);
  answer(subnet, ["liar", 0.4], ["w3", 0.905]);
  const [ended] = subnet.events;
  assert.ok(ended?.kind === "ended");
  assert.deepEqual([ended.outcome, ended.drifted], ["drifted", "liar"]);
  assert.equal(subnet.tasks.assignment(id)?.score, 0.9);
});

test("with two workers that differ and no third nobody is blamed", async () => {
  using subnet = await open({ findings: 1 });
  await subnet.judged("w1", 0.9);
  answer(subnet, ["w2", 0.4]);
  const { id, replica } = subnet.open();
  const fault = create(RenderScoreResultSchema, {
    ...{ jobId: id, submissionId: id, workerId: "w1", replica },
    outcome: { case: "systemFault", value: { cause: FaultCause.NOBODY_ELSE } },
  });
  assert.ok(subnet.audits().applyResult(fault, 2));
  assert.deepEqual(subnet.outcomes(), ["undecided"]);
  assert.deepEqual(subnet.audits().quarantined(), []);
});

test("with one worker an audit ends without a score, and so it does after its time", async () => {
  using subnet = await open();
  await subnet.judged("w1", 0.9, "A");
  const { id } = subnet.open();
  const fault = create(RenderScoreResultSchema, {
    ...{ jobId: id, submissionId: id, workerId: "w1" },
    outcome: { case: "systemFault", value: { cause: FaultCause.NOBODY_ELSE } },
  });
  assert.ok(subnet.audits().applyResult(fault, 2));
  await subnet.judged("w1", 0.9, "B");
  const waiting = subnet.open();
  assert.deepEqual(subnet.audits().tick(59 * minuteMs), []);
  assert.deepEqual(subnet.audits().tick(60 * minuteMs), [waiting.id], "its job is taken back");
  assert.deepEqual(subnet.outcomes(), ["no-second-worker", "expired"]);
  assert.equal(subnet.audits().countOpen(), 0);
});

test("a worker cannot audit itself, whatever it does", async () => {
  using subnet = await open();
  await subnet.judged("liar", 0.9);
  for (let tries = 0; subnet.audits().countOpen() > 0; tries++) {
    assert.ok(tries < 10, "it is given up in the end");
    answer(subnet, ["liar", 0.9]);
  }
  assert.deepEqual(subnet.outcomes(), ["no-second-worker"]);
  assert.ok(subnet.events.some(({ kind }) => kind === "discarded"));
});

test("who drifts twice within the window is quarantined, and its scores are done again", async () => {
  using subnet = await open();
  const scored: string[] = [];
  for (const hotkey of ["A", "B"]) {
    scored.push(await subnet.judged("liar", 0.9, hotkey));
    answer(subnet, ["w2", 0.4], ["w3", 0.41]);
  }
  assert.ok(subnet.audits().isQuarantined("liar"));
  const quarantined = subnet.audits().quarantined()[0];
  assert.match(quarantined?.reason ?? "", /^2 times within 8 h two other workers agreed/);
  assert.equal(subnet.audits().countOpen(), 0, "both were corrected by their audits");
  assert.deepEqual(subnet.audits().shutOut(), ["liar"]);
  assert.ok((await subnet.check()).ok);

  subnet.restart();
  assert.ok(subnet.audits().isQuarantined("liar"), "a restart changes nothing");
  assert.equal(subnet.audits().release("liar", 5), true);
  assert.equal(subnet.audits().release("liar", 5), false);
  assert.ok(!subnet.audits().isQuarantined("liar"));
  await subnet.judged("liar", 0.9, "C", 6);
  answer(subnet, ["w2", 0.4], ["w3", 0.41]);
  assert.ok(!subnet.audits().isQuarantined("liar"), "the record began anew");
});

test("findings count within the window alone", async () => {
  using subnet = await open();
  await subnet.judged("liar", 0.9, "A");
  answer(subnet, ["w2", 0.4], ["w3", 0.41]);
  const later = rules.windowMs + minuteMs;
  await subnet.judged("liar", 0.9, "B", later);
  const { id } = subnet.open();
  subnet.audits().applyResult(subnet.says("w2", id, 0.4), later);
  subnet.audits().applyResult(subnet.says("w3", id, 0.4, 1), later);
  assert.deepEqual(subnet.outcomes(), ["drifted", "drifted"]);
  assert.ok(!subnet.audits().isQuarantined("liar"));
});

test("what a quarantined worker scored is weighed against one other, newest first", async () => {
  const draws = [1, 1, 1, 0];
  using subnet = await open({ share: 0.5, findings: 1, drawn: () => draws.shift() ?? 1 });
  const honest = await subnet.judged("w2", 0.7, "D", 1);
  const right = await subnet.judged("liar", 0.7, "A", 2);
  const wrong = await subnet.judged("liar", 0.9, "B", 3);
  await subnet.judged("liar", 0.95, "C", 4);
  answer(subnet, ["w2", 0.2], ["w3", 0.2]);
  const redone = subnet.audits().pending(0, 10);
  assert.deepEqual(
    redone.map(({ submissionId, reason }) => [submissionId, reason]),
    [
      [wrong, "redo"],
      [right, "redo"],
    ],
  );
  for (const { id, submissionId } of redone) {
    subnet.audits().applyResult(subnet.says("w2", id, submissionId === right ? 0.701 : 0.3), 5);
  }
  assert.deepEqual(subnet.outcomes(), ["drifted", "replaced", "agreed"]);
  assert.equal(subnet.tasks.assignment(right)?.score, 0.7);
  assert.equal(subnet.tasks.assignment(honest)?.score, 0.7);
  assert.equal(subnet.tasks.assignment(wrong)?.score, 0.3);
  assert.equal(subnet.miners.get("B", 5).observations, 0, "the reward goes with the score");
  assert.equal(subnet.miners.get("A", 5).observations, 1);
  assert.ok((await subnet.check()).ok);
});

test("a release ends what was still to be done again", async () => {
  const draws = [1, 0];
  using subnet = await open({ share: 0.5, findings: 1, drawn: () => draws.shift() ?? 1 });
  await subnet.judged("liar", 0.7, "A");
  await subnet.judged("liar", 0.95, "B");
  answer(subnet, ["w2", 0.2], ["w3", 0.2]);
  assert.equal(subnet.audits().countOpen(), 1);
  subnet.audits().release("liar", 2);
  assert.equal(subnet.audits().countOpen(), 0);
  assert.deepEqual(subnet.outcomes(), ["drifted", "released"]);
});

test("what a worker said before it was quarantined counts for nothing as another's audit", async () => {
  const draws = [0, 0];
  using subnet = await open({ findings: 1, drawn: () => draws.shift() ?? 1 });
  await subnet.judged("w1", 0.9, "A");
  const { id } = subnet.open();
  subnet.audits().applyResult(subnet.says("liar", id, 0.2), 1);
  await subnet.judged("liar", 0.9, "B");
  const own = subnet.audits().pending(0, 10).at(-1) ?? assert.fail();
  subnet.audits().applyResult(subnet.says("w2", own.id, 0.1), 2);
  subnet.audits().applyResult(subnet.says("w3", own.id, 0.1, 1), 2);
  assert.ok(subnet.audits().isQuarantined("liar"));
  subnet.audits().applyResult(subnet.says("w2", id, 0.9, 1), 3);
  assert.deepEqual(subnet.outcomes(), ["drifted", "agreed"]);
});

test("few jobs are in the queue at one time, others follow as those end", async () => {
  using subnet = await open();
  for (let i = 0; i < 20; i++) {
    await subnet.judged("w1", 0.9, `M${i}`);
  }
  const first = subnet.audits().pending(0, 100);
  assert.equal(first.length, 8);
  const last = first.at(-1)?.sequence ?? 0;
  assert.deepEqual(subnet.audits().pending(last, 100), []);
  for (const { id } of first.slice(0, 3)) {
    subnet.audits().applyResult(subnet.says("w2", id, 0.9), 1);
  }
  assert.equal(subnet.audits().pending(last, 100).length, 3);
});

test("an audit is in the verdict's transaction, and its end in that of what follows", async () => {
  using subnet = await open({ findings: 1 });
  const { id } = await subnet.submit(subnet.ask(), "A");
  subnet.store.run("ALTER TABLE audits RENAME TO hidden");
  assert.throws(() => subnet.submissions.applyResult(subnet.says("liar", id, 0.9), 1), /audits/);
  assert.equal(subnet.submissions.get(id)?.feedback, undefined, "no verdict without its audit");
  subnet.store.run("ALTER TABLE hidden RENAME TO audits");
  subnet.submissions.applyResult(subnet.says("liar", id, 0.9), 1);
  answer(subnet, ["w2", 0.2]);
  const audit = subnet.open();
  subnet.store.run("ALTER TABLE quarantined_workers RENAME TO hidden");
  assert.throws(
    () => subnet.audits().applyResult(subnet.says("w3", audit.id, 0.2, audit.replica), 2),
    /quarantined_workers/,
  );
  assert.equal(subnet.tasks.assignment(id)?.score, 0.9, "nothing of it happened");
  assert.ok(!subnet.audits().isQuarantined("liar"));
  subnet.store.run("ALTER TABLE hidden RENAME TO quarantined_workers");
  subnet.audits().applyResult(subnet.says("w3", audit.id, 0.2, audit.replica), 2);
  assert.equal(subnet.tasks.assignment(id)?.score, 0.2);
  assert.ok(subnet.audits().isQuarantined("liar"));
});

test("what ended long ago is forgotten", async () => {
  using subnet = await open();
  await subnet.judged("w1", 0.9);
  answer(subnet, ["w2", 0.9]);
  const rows = () => subnet.store.all("SELECT id FROM audits").length;
  subnet.audits().tick(6 * 24 * 60 * minuteMs);
  assert.equal(rows(), 1);
  subnet.audits().tick(8 * 24 * 60 * minuteMs);
  assert.equal(rows(), 0);
});

test("an audit whose asset is gone has no job", async () => {
  using subnet = await open();
  const id = await subnet.judged("w1", 0.9);
  subnet.store.run("UPDATE submissions SET keep = NULL WHERE id = ?", id);
  const audit = subnet.open();
  assert.equal(await subnet.audits().job(audit), undefined);
  subnet.audits().fail(audit.id, 1);
  assert.deepEqual(subnet.outcomes(), ["asset-gone"]);
  assert.deepEqual(
    historyOf(subnet.store, "A", 10).map(({ code }) => code),
    ["accepted"],
  );
});
