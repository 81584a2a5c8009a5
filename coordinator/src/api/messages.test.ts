import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { ROOT_CONTEXT } from "@opentelemetry/api";
import {
  AssetSchema,
  AssignmentState,
  TaskSchema,
  TaskState,
  WatchTaskResponseSchema,
} from "@turntable/proto";
import type { Submission } from "../submissions/index.ts";
import type { Assignment, Task } from "../tasks/index.ts";
import { assetMessage, eventMessage, taskMessage } from "./messages.ts";

const assignment: Assignment = {
  id: "a1",
  taskId: "t1",
  hotkey: "5Miner",
  attempt: 2,
  createdAt: new Date(2_000),
  expiresAt: new Date(600_000),
  endedAt: new Date(4_000),
  state: "accepted",
  submittedAs: 1,
  score: 0.9,
  demonstration: true,
  reason: "",
};
const task: Task = {
  id: "t1",
  class: "organic",
  client: "ann",
  prompt: "a red cube",
  state: "succeeded",
  cameraSeed: 7n,
  createdAt: new Date(1_000),
  updatedAt: new Date(4_000),
  expiresAt: new Date(600_000),
  endedAt: new Date(4_000),
  trace: ROOT_CONTEXT,
  assignments: [assignment],
  bestAssignment: "a1",
  failure: undefined,
};
const submission: Submission = {
  id: "a1",
  sequence: 1,
  validator: "5Validator",
  assetSha256: "ab".repeat(32),
  assetSizeBytes: 12,
  assetKept: true,
  format: "spz",
  formatVersion: 1,
  compression: 2,
  submitTime: 1_764_000_000_000_000_001n,
  signature: new Uint8Array([1, 2]),
  protocolYear: "2024",
  replica: 0,
  secondLook: false,
  receivedAt: 3_000,
  trace: ROOT_CONTEXT,
  dispatch: 0,
  feedback: undefined,
};

test("a task shows its times, its assignments and nothing of the cameras", () => {
  const message = create(TaskSchema, taskMessage(task, undefined));
  assert.deepEqual(
    [message.id, message.prompt, message.state, message.createTime, message.expireTime],
    ["t1", "a red cube", TaskState.SUCCEEDED, timestampFromMs(1_000), timestampFromMs(600_000)],
  );
  const [first] = message.assignments;
  assert.deepEqual(
    [first?.minerHotkey, first?.attempt, first?.state, first?.score, first?.demonstration],
    ["5Miner", 2, AssignmentState.ACCEPTED, 0.9, true],
  );
  assert.equal(message.asset, undefined);
  assert.equal("cameraSeed" in message, false);
});

test("an assignment without a score has none, and a failed task says why", () => {
  const failure = { code: "expired", message: "no miner took the task in time" };
  const open = { ...assignment, state: "generating" as const, score: undefined };
  const message = create(
    TaskSchema,
    taskMessage({ ...task, state: "failed", assignments: [open], failure }, undefined),
  );
  assert.equal(message.assignments[0]?.score, undefined);
  assert.deepEqual([message.failure?.code, message.failure?.message], Object.values(failure));
});

test("an asset says where it came from, to the nanosecond", () => {
  const message = create(AssetSchema, assetMessage(task, assignment, submission, "5Validator"));
  assert.deepEqual(
    [message.encoding?.format, message.encoding?.version, message.encoding?.compression],
    ["spz", 1, 2],
  );
  assert.deepEqual(
    [message.sizeBytes, message.submitTimeNs, message.score, message.prompt],
    [12n, 1_764_000_000_000_000_001n, 0.9, "a red cube"],
  );
  assert.deepEqual(Buffer.from(message.sha256), Buffer.alloc(32, 0xab));
  assert.deepEqual([message.minerHotkey, message.validatorHotkey], ["5Miner", "5Validator"]);
});

test("an event carries its number and, where there is one, its score", () => {
  const event = {
    taskId: "t1",
    sequence: 3,
    at: new Date(5_000),
    kind: "assigned",
    state: "assigned",
    hotkey: "5Miner",
    score: undefined,
    demonstration: false,
    message: "",
  } as const;
  const message = create(WatchTaskResponseSchema, eventMessage(event));
  assert.deepEqual(
    [message.sequence, message.time, message.kind, message.state, message.score],
    [3n, timestampFromMs(5_000), "assigned", TaskState.ASSIGNED, undefined],
  );
});

test("an asset of before miners' fields were checked can be told all the same", () => {
  const poison = { ...submission, formatVersion: 2 ** 40, compression: -1, submitTime: -1n };
  const message = create(AssetSchema, assetMessage(task, assignment, poison, "5Validator"));
  assert.deepEqual(
    [message.encoding?.version, message.encoding?.compression, message.submitTimeNs],
    [2 ** 32 - 1, 0, 0n],
  );
  assert.ok(toBinary(AssetSchema, message).length > 0);
  const late = assetMessage(task, assignment, { ...submission, submitTime: 2n ** 70n }, "5V");
  assert.equal(create(AssetSchema, late).submitTimeNs, 2n ** 64n - 1n);
});
