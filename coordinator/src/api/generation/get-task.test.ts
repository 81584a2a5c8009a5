import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { GetTaskRequestSchema, TaskState } from "@turntable/proto";
import { statusCodes } from "@turntable/proto/rpc";
import {
  callBy,
  minerHotkey,
  openGeneration,
  refusedWith,
  submitted,
  validatorHotkey,
} from "../../../test/generation.ts";
import { getTask } from "./get-task.ts";

const request = (taskId: string) => create(GetTaskRequestSchema, { taskId });

test("a task that succeeded says who made its asset and for which validator", async () => {
  using opened = openGeneration();
  const { id } = opened.create();
  opened.judged("accepted", 0.9);
  const { task } = await getTask(opened.options)(request(id), callBy("alice"));
  assert.equal(task?.state, TaskState.SUCCEEDED);
  const { asset } = task ?? {};
  assert.deepEqual(
    [asset?.minerHotkey, asset?.validatorHotkey, asset?.score, asset?.submitTimeNs],
    [minerHotkey, validatorHotkey, 0.9, submitted.submitTime],
  );
});

test("an axon beside the first one is the asset's validator when it took it", async () => {
  using opened = openGeneration({ submissionOf: () => ({ ...submitted, validator: "5Other" }) });
  const { id } = opened.create();
  opened.judged("accepted", 0.9);
  const { task } = await getTask(opened.options)(request(id), callBy("alice"));
  assert.equal(task?.asset?.validatorHotkey, "5Other");
});

test("tasks of others and of nobody are not there, whatever the id", async () => {
  using opened = openGeneration();
  const { id } = opened.create("bob");
  const handle = getTask(opened.options);
  for (const taskId of [id, "", "nobody's", "x".repeat(1_000)]) {
    await assert.rejects(
      async () => handle(request(taskId), callBy("alice")),
      refusedWith(
        statusCodes.NOT_FOUND,
        /^no task ".{0,64}": there never was one, or it was removed some time after its end$/,
      ),
    );
  }
});
