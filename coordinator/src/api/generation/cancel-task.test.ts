import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import {
  AssignmentState,
  CancelTaskRequestSchema,
  DownloadAssetRequestSchema,
  TaskState,
} from "@turntable/proto";
import { statusCodes } from "@turntable/proto/rpc";
import { callBy, openGeneration, refusedWith } from "../../../test/generation.ts";
import { cancelTask } from "./cancel-task.ts";
import { downloadAsset } from "./download-asset.ts";

const request = (taskId: string) => create(CancelTaskRequestSchema, { taskId });

test("a task is cancelled once, and again without effect", async () => {
  using opened = openGeneration();
  const { id } = opened.create();
  opened.tasks.assignOrganic("5A", opened.options.now());
  const handle = cancelTask(opened.options);
  const { task } = await handle(request(id), callBy("alice"));
  assert.equal(task?.state, TaskState.CANCELLED);
  assert.deepEqual(
    task?.assignments?.map(({ state }) => state),
    [AssignmentState.CANCELLED],
  );
  assert.deepEqual(await handle(request(id), callBy("alice")), { task });
  const asset = create(DownloadAssetRequestSchema, { taskId: id });
  await assert.rejects(
    async () =>
      downloadAsset(opened.options)(asset, callBy("alice"))[Symbol.asyncIterator]().next(),
    refusedWith(statusCodes.FAILED_PRECONDITION, /was cancelled/),
  );
});

test("what has ended stays ended, and others' tasks are not there", async () => {
  using opened = openGeneration();
  const { id } = opened.create();
  opened.judged("accepted", 0.9);
  const handle = cancelTask(opened.options);
  await assert.rejects(
    async () => handle(request(id), callBy("alice")),
    refusedWith(statusCodes.FAILED_PRECONDITION, /has succeeded/),
  );
  const others = opened.create("bob").id;
  await assert.rejects(
    async () => handle(request(others), callBy("alice")),
    refusedWith(statusCodes.NOT_FOUND, /no task/),
  );
  assert.equal(opened.tasks.get(others)?.state, "queued");
});
