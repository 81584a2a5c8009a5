/** What SubnetService tells, without a socket. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  AssignmentState,
  DownloadSubmissionRequestSchema,
  GetPublicMinerRequestSchema,
  GetPublicReportRequestSchema,
  GetPublicTaskRequestSchema,
  ListPublicTasksRequestSchema,
  ListPublicVerdictsRequestSchema,
  TaskOrigin,
  TaskState,
} from "@turntable/proto";
import { statusCodes } from "@turntable/proto/rpc";
import { callBy, refusedWith } from "../../../test/generation.ts";
import { alice, bob, openSubnet } from "../../../test/subnet.ts";
import { subnetHandlers } from "./index.ts";

const call = callBy("everybody");

async function open(change: Parameters<typeof openSubnet>[0] = { showClientTasks: true }) {
  const opened = await openSubnet(change);
  const stop = new AbortController().signal;
  return { ...opened, handlers: subnetHandlers({ ...opened.options, stop }) };
}

test("a task tells every copy, who won and why, and where its worst view is", async () => {
  using subnet = await open();
  const { taskId, copyId } = await subnet.organic(undefined);
  const other = await subnet.organic(0.5, bob, taskId);
  subnet.score(copyId, 0.7);
  const request = create(GetPublicTaskRequestSchema, { taskId });
  const { detail } = await subnet.handlers.getPublicTask(request, call);
  assert.deepEqual(
    [detail?.task?.state, detail?.task?.bestScore, detail?.task?.winnerHotkey, detail?.winnerId],
    [TaskState.SUCCEEDED, 0.7, alice, copyId],
  );
  assert.equal(detail?.task?.origin, TaskOrigin.ORGANIC);
  assert.equal(
    detail?.outcomeReason,
    "It is the only accepted copy of 2 by the task's end, with a score of 0.700.",
  );
  assert.deepEqual(
    detail?.changes?.map(({ kind }) => kind),
    [
      ...["created", "assigned", "submitted", "assigned", "submitted"],
      ...["rejected", "accepted", "succeeded"],
    ],
  );
  const [won, lost] = detail?.copies ?? [];
  assert.deepEqual(
    [won?.state, won?.score, won?.fidelity, won?.downloadable, won?.asset?.minerHotkey],
    [AssignmentState.ACCEPTED, 0.7, 0.75, true, alice],
  );
  assert.deepEqual(
    [won?.scoring?.worstView, won?.scoring?.worstProbability, won?.scoring?.findings?.[0]?.code],
    [1, 0.4, "flat"],
  );
  assert.deepEqual([won?.scoring?.model, won?.scoring?.demonstration], ["clip", true]);
  assert.equal(lost?.id, other.copyId);
  assert.match(lost?.reason ?? "", /^scored 0\.500/);
});

test("why a copy won is said for whatever there is", async () => {
  using subnet = await open();
  /** Handed in by both before any is scored; then, by bob, when the task has ended. */
  const reasonOf = async (first: number, second?: number, late?: number) => {
    const { taskId, copyId } = await subnet.organic(undefined);
    const other = second === undefined ? undefined : await subnet.organic(undefined, bob, taskId);
    subnet.score(copyId, first);
    if (other !== undefined && second !== undefined) {
      subnet.score(other.copyId, second);
    }
    subnet.wait(1);
    if (late !== undefined) {
      await subnet.organic(late, bob, taskId);
    }
    const request = create(GetPublicTaskRequestSchema, { taskId });
    return (await subnet.handlers.getPublicTask(request, call)).detail?.outcomeReason;
  };
  assert.equal(await reasonOf(0.9), "It is the only accepted copy, with a score of 0.900.");
  assert.equal(
    await reasonOf(0.9, 0.95),
    "Of 2 accepted copies it has the highest score, 0.950; the next one has 0.900.",
  );
  assert.equal(
    await reasonOf(0.9, 0.9),
    "Of 2 accepted copies it is the first that was handed in with the highest score, 0.900.",
  );
  assert.match(
    (await reasonOf(0.9, undefined, 0.95)) ?? "",
    /^It is the only accepted copy of 2 by/,
  );
  const taskId = subnet.ask("a tree", subnet.now());
  const request = create(GetPublicTaskRequestSchema, { taskId });
  const told = async () => (await subnet.handlers.getPublicTask(request, call)).detail;
  assert.equal((await told())?.outcomeReason, "");
  subnet.tasks.tick(subnet.now() + 600_000, () => new Set());
  assert.equal((await told())?.outcomeReason, "No miner took the task in time.");
});

test("a report is whole and verified once its task is published, and its asset can be had", async () => {
  using subnet = await open();
  const { taskId, copyId } = await subnet.organic(0.9);
  const other = subnet.tasks.assign(taskId, bob, subnet.now());
  const asset = create(DownloadSubmissionRequestSchema, { copyId });
  const next = () => subnet.handlers.downloadSubmission(asset, call)[Symbol.asyncIterator]().next();
  const report = () =>
    subnet.handlers.getPublicReport(create(GetPublicReportRequestSchema, { copyId }), call);
  const before = await report();
  assert.deepEqual(
    [before.published, before.signatureValid, before.report?.cameraSeed],
    [false, false, 0n],
  );
  await assert.rejects(
    next(),
    refusedWith(statusCodes.FAILED_PRECONDITION, /published when it has ended and no miner works/),
  );
  subnet.tasks.abandon(other.id, "given back", subnet.now());
  const after = await report();
  assert.deepEqual(
    [after.published, after.signatureValid, after.report?.cameraSeed],
    [true, true, 42n],
  );
  assert.equal((await next()).value?.part?.case, "asset");
  const nothing = create(DownloadSubmissionRequestSchema, { copyId: other.id });
  await assert.rejects(
    async () => subnet.handlers.downloadSubmission(nothing, call)[Symbol.asyncIterator]().next(),
    refusedWith(statusCodes.FAILED_PRECONDITION, /nothing was submitted/),
  );
  subnet.store.run("UPDATE submissions SET keep = NULL WHERE id = ?", copyId);
  await assert.rejects(next(), refusedWith(statusCodes.FAILED_PRECONDITION, /was removed/));
});

test("a miner is told with its place, its way, and what the next one's reward asks of it", async () => {
  using subnet = await open();
  await subnet.organic(0.9);
  await subnet.organic(0.9);
  await subnet.organic(0.9, bob);
  await subnet.organic(0.2, bob);
  const request = create(GetPublicMinerRequestSchema, { hotkey: bob });
  const told = await subnet.handlers.getPublicMiner(request, call);
  assert.deepEqual(
    [told.miner?.rank, told.miner?.reward, told.miner?.observations, told.miner?.scored],
    [2, 1, 1, 2],
  );
  assert.deepEqual(
    told.rewards?.map(({ reward }) => reward),
    [1, 1, 1],
    "after two verdicts, and now",
  );
  assert.deepEqual(
    told.verdicts?.map(({ verdict, code, count }) => [verdict, code, count]),
    [
      ["accepted", "accepted", 1],
      ["rejected", "low-score", 1],
    ],
  );
  const next = told.advice?.find(({ code }) => code === "next-rank");
  assert.match(next?.text ?? "", /^2 more accepted results in the window would pass the next/);
  const first = create(GetPublicMinerRequestSchema, { hotkey: alice });
  const best = (await subnet.handlers.getPublicMiner(first, call)).miner;
  assert.deepEqual([best?.rank, best?.uid], [1, 7]);
});

test("verdicts are filtered by kind and code, page by page; of clients' tasks without words", async () => {
  using subnet = await open({ showClientTasks: false });
  await subnet.organic(0.9);
  await subnet.organic(0.2);
  await subnet.organic(0.3);
  const list = (request: object) =>
    subnet.handlers.listPublicVerdicts(
      create(ListPublicVerdictsRequestSchema, { hotkey: alice, ...request }),
      call,
    );
  const scores = async (request: object) =>
    (await list(request)).verdicts?.map(({ score }) => score);
  assert.deepEqual(await scores({}), [0.3, 0.2, 0.9]);
  assert.deepEqual(await scores({ verdicts: ["accepted"] }), [0.9]);
  assert.deepEqual(await scores({ codes: ["low-score", "other"] }), [0.3, 0.2]);
  assert.deepEqual(await scores({ verdicts: ["accepted"], codes: ["low-score"] }), []);
  const page = await list({ pageSize: 1, codes: ["low-score"] });
  const rest = await list({ pageSize: 1, codes: ["low-score"], pageToken: page.nextPageToken });
  assert.deepEqual([rest.verdicts?.[0]?.score, rest.nextPageToken], [0.2, ""]);
  assert.deepEqual(
    rest.verdicts?.map(({ reason, taskId, copyId }) => [reason, taskId, copyId]),
    [["", "", ""]],
  );
  await assert.rejects(
    list({ codes: Array.from({ length: 11 }, () => "x") }),
    refusedWith(statusCodes.RESOURCE_EXHAUSTED, /codes has 11 words; at most 10/),
  );
});

test("tasks are listed by state and origin; a page has 200 at most, and an unknown token is refused", async () => {
  using subnet = await open();
  const asked: number[] = [];
  const { options } = subnet;
  const tasks: typeof options.tasks = {
    ...options.tasks,
    recent(of, limit, before) {
      asked.push(limit);
      return options.tasks.recent(of, limit, before);
    },
  };
  const stop = new AbortController().signal;
  const handlers = subnetHandlers({ ...options, tasks, stop });
  const { taskId } = await subnet.organic(undefined);
  const { taskId: made } = subnet.synthetic();
  const list = async (request: object) => {
    const page = create(ListPublicTasksRequestSchema, request);
    return (await handlers.listPublicTasks(page, call)).tasks?.map(({ id }) => id);
  };
  assert.deepEqual((await list({}))?.toSorted(), [made, taskId].toSorted());
  assert.deepEqual(await list({ pageSize: 9_999, origin: TaskOrigin.SYNTHETIC }), [made]);
  assert.deepEqual(await list({ origin: TaskOrigin.ORGANIC, states: [TaskState.SCORING] }), [
    taskId,
  ]);
  assert.deepEqual(await list({ states: [TaskState.FAILED] }), []);
  assert.deepEqual(asked.slice(0, 2), [50, 200]);
  for (const bad of [
    { pageToken: "elsewhere" },
    { pageToken: taskId, origin: TaskOrigin.SYNTHETIC },
    { origin: 9 },
    { states: [0] },
  ]) {
    await assert.rejects(list(bad), refusedWith(statusCodes.INVALID_ARGUMENT));
  }
});

test("a task that is watched is told again after each change, until nothing can change", async () => {
  using subnet = await open();
  const { taskId, copyId } = await subnet.organic(undefined);
  const request = create(GetPublicTaskRequestSchema, { taskId });
  const watch = subnet.handlers
    .watchPublicTask({ ...request, $typeName: "turntable.v1.WatchPublicTaskRequest" }, call)
    [Symbol.asyncIterator]();
  const first = (await watch.next()).value;
  assert.equal(first?.detail?.task?.state, TaskState.SCORING);
  const next = watch.next();
  subnet.score(copyId, 0.9);
  const { detail } = (await next).value ?? {};
  assert.deepEqual([detail?.task?.state, detail?.published], [TaskState.SUCCEEDED, true]);
  assert.equal((await watch.next()).done, true);
});
