import assert from "node:assert/strict";
import { test } from "node:test";
import { submissionOf } from "../../../test/rules.ts";
import { alice, bob, openSubnet } from "../../../test/subnet.ts";
import { createVisible } from "./visible.ts";

/** What must not be told of a task whose miners are still at work, wherever it stands. */
const secrets = ["cameraSeed", "client", "trace"];

async function handIn(opened: Awaited<ReturnType<typeof openSubnet>>, hotkey = alice) {
  const assignment = opened.synthetic(hotkey);
  await opened.submissions.receive(
    submissionOf(assignment, Buffer.from(assignment.id)),
    opened.now(),
  );
  return assignment;
}

test("Y1: a client's task is not there, in any way, unless the operator shows it", async () => {
  using opened = await openSubnet();
  const { taskId, copyId } = await opened.organic(0.3);
  const [entry] = opened.options.miners.verdicts(alice, 1, undefined, { verdicts: [], codes: [] });
  assert.ok(entry !== undefined && /scored 0.300/.test(entry.reason));
  const all = { class: undefined, states: [] };
  const hidden = createVisible(opened.options);
  assert.equal(hidden.task(taskId), undefined);
  assert.equal(hidden.copy(copyId), undefined);
  assert.deepEqual(hidden.recent(all, 9, undefined), { tasks: [], last: undefined });
  assert.deepEqual(hidden.recent({ ...all, class: "organic" }, 9, undefined)?.tasks, []);
  const { copy, reason, score } = hidden.verdict(entry);
  assert.deepEqual([copy, reason, score], [undefined, "", 0.3]);
  assert.equal(hidden.recent(all, 9, taskId), undefined, "its id is no page token either");

  const shown = createVisible({ ...opened.options, showClientTasks: true });
  assert.equal(shown.task(taskId)?.prompt, "a red cube");
  assert.equal(shown.copy(copyId)?.task.id, taskId);
  assert.equal(shown.recent(all, 9, undefined)?.tasks.length, 1);
  assert.deepEqual(shown.verdict(entry).copy, { id: copyId, taskId });
});

test("Y1: of a task that is not kept any more, nobody knows whether it was a client's", async () => {
  using opened = await openSubnet();
  const visible = createVisible(opened.options);
  const told = {
    verdict: "rejected",
    code: "low-score",
    reason: 'does not know "vase"',
    score: 0.2,
  };
  opened.miners.record(
    { ...told, hotkey: alice, assignmentId: "gone", fidelity: 0, averageShare: 0 },
    opened.now(),
  );
  opened.miners.recordViolation({ hotkey: alice, code: "wrong-task", reason: "not yours" }, 1);
  const filter = { verdicts: [], codes: [] };
  const entries = opened.options.miners.verdicts(alice, 9, undefined, filter);
  assert.deepEqual(
    entries.map((entry) => visible.verdict(entry).reason),
    ["not yours", ""],
  );
});

test("Y2: cameras, assets and signatures are secret until no miner can work on the task", async () => {
  using opened = await openSubnet({ showClientTasks: true });
  const visible = createVisible(opened.options);
  const { taskId, copyId } = await opened.organic(0.9);
  const other = opened.tasks.assign(taskId, bob, opened.now());
  opened.wait(61_000);
  opened.tasks.tick(opened.now(), () => new Set());
  assert.equal(opened.tasks.get(taskId)?.state, "succeeded", "it has ended, and bob is at work");

  const before = visible.copy(copyId) ?? assert.fail();
  assert.equal(before.task.isPublished, false);
  assert.equal(visible.asset(before), undefined);
  const secret = visible.report(before) ?? assert.fail();
  assert.deepEqual(
    [secret.cameraSeed, secret.assetSha256.length, secret.signature.length],
    [0n, 0, 0],
  );
  assert.deepEqual(
    secret.views.map(({ elevationDeg, azimuthDeg, probability }) => [
      ...[elevationDeg, azimuthDeg, probability],
    ]),
    [
      [0, 0, 0.9],
      [0, 120, 0.4],
      [0, 240, 0.8],
    ],
  );
  assert.deepEqual(Object.keys(visible.submission(before) ?? {}), ["receivedAt", "feedback"]);

  opened.tasks.abandon(other.id, "given back", opened.now());
  const after = visible.copy(copyId) ?? assert.fail();
  assert.equal(after.task.isPublished, true);
  assert.equal(visible.asset(after)?.id, copyId);
  const report = visible.report(after) ?? assert.fail();
  assert.deepEqual([report.cameraSeed, report.views[0]?.elevationDeg], [42n, -10]);
  assert.ok(opened.options.verifyReport(report));
});

test("Y3: neither the client's name nor the seed is in what is given out", async () => {
  using opened = await openSubnet({ showClientTasks: true });
  const { taskId } = await opened.organic(0.9);
  const task = createVisible(opened.options).task(taskId) ?? assert.fail();
  assert.deepEqual(
    Object.keys(task).filter((key) => secrets.includes(key)),
    [],
  );
});

test("a watch goes on after the task's end, until nothing of it is open", async () => {
  using opened = await openSubnet({ showClientTasks: true });
  const visible = createVisible(opened.options);
  const { taskId } = await opened.organic(0.9);
  const other = opened.tasks.assign(taskId, bob, opened.now());
  opened.wait(61_000);
  opened.tasks.tick(opened.now(), () => new Set());
  const task = visible.task(taskId) ?? assert.fail();
  const after = visible.changes(task).length;
  const watch = visible.watch(task, after, new AbortController().signal)[Symbol.asyncIterator]();
  const next = watch.next();
  opened.tasks.abandon(other.id, "given back", opened.now());
  assert.equal((await next).value?.kind, "abandoned");
  assert.equal((await watch.next()).done, true);
});

test("a synthetic task is shown, and a page token is one of a task that is shown", async () => {
  using opened = await openSubnet();
  const visible = createVisible(opened.options);
  await opened.organic(0.9);
  const first = await handIn(opened);
  opened.wait(1);
  const second = await handIn(opened, bob);
  const all = { class: undefined, states: [] };
  const page = visible.recent(all, 1, undefined);
  assert.deepEqual([page?.tasks[0]?.id, page?.last], [second.taskId, second.taskId]);
  const rest = visible.recent(all, 1, page?.last);
  assert.deepEqual([rest?.tasks[0]?.id, rest?.last], [first.taskId, undefined]);
  const states = { class: undefined, states: ["failed"] } as const;
  assert.deepEqual(visible.recent(states, 1, undefined)?.tasks, []);
});
