import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { GetReportRequestSchema, ScoreReportSchema } from "@turntable/proto";
import { statusCodes } from "@turntable/proto/rpc";
import { callBy, openGeneration, refusedWith } from "../../../test/generation.ts";
import { getReport } from "./get-report.ts";

const request = (taskId: string) => create(GetReportRequestSchema, { taskId });
/** A report of each assignment. */
const reportOf = (jobId: string) => create(ScoreReportSchema, { jobId });
const muchLater = 1_800_000_000_000;

test("the report is that of the task's result", async () => {
  using opened = openGeneration({ reportOf });
  const { id } = opened.create();
  const best = opened.judged("accepted", 0.9);
  const { report } = await getReport(opened.options)(request(id), callBy("alice"));
  assert.equal(report?.jobId, best);
});

test("of a task that failed it is the best-scored submission's", async () => {
  using opened = openGeneration({ reportOf });
  const { id } = opened.create();
  opened.judged("rejected", 0.2, "5A");
  const best = opened.judged("rejected", 0.5, "5B");
  opened.judged("rejected", 0.3, "5C");
  opened.tasks.tick(muchLater, () => new Set());
  assert.equal(opened.tasks.get(id)?.state, "failed");
  const { report } = await getReport(opened.options)(request(id), callBy("alice"));
  assert.equal(report?.jobId, best);
});

test("before the task has ended its cameras are a secret", async () => {
  using opened = openGeneration({ reportOf });
  const { id } = opened.create();
  opened.judged("rejected", 0.2);
  await assert.rejects(
    async () => getReport(opened.options)(request(id), callBy("alice")),
    refusedWith(statusCodes.FAILED_PRECONDITION, /published when it has ended/),
  );
});

test("nor are they known while a miner still works on a task that has ended", async () => {
  using opened = openGeneration({ reportOf });
  const { id } = opened.create();
  opened.tasks.assignOrganic("5A", opened.options.now());
  const task = opened.tasks.get(id) ?? assert.fail();
  const tasks = { ...opened.tasks, get: () => ({ ...task, state: "failed" }) as const };
  await assert.rejects(
    async () => getReport({ ...opened.options, tasks })(request(id), callBy("alice")),
    refusedWith(statusCodes.FAILED_PRECONDITION, /no miner works on it/),
  );
});

test("a task of which nothing was scored has none, and others' are not there", async () => {
  using opened = openGeneration();
  const { id } = opened.create();
  opened.tasks.tick(muchLater, () => new Set());
  const handle = getReport(opened.options);
  await assert.rejects(
    async () => handle(request(id), callBy("alice")),
    refusedWith(statusCodes.NOT_FOUND, /nothing of task/),
  );
  await assert.rejects(
    async () => handle(request(id), callBy("bob")),
    refusedWith(statusCodes.NOT_FOUND, /no task/),
  );
});
