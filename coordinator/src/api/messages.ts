/** From our tasks to the API's messages. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type AssetSchema,
  AssignmentState,
  type TaskSchema,
  TaskState,
  type WatchTaskResponseSchema,
} from "@turntable/proto";
import type { Submission } from "../submissions/index.ts";
import type { Assignment, Task, TaskEvent } from "../tasks/index.ts";

export const taskStates = {
  queued: TaskState.QUEUED,
  assigned: TaskState.ASSIGNED,
  scoring: TaskState.SCORING,
  succeeded: TaskState.SUCCEEDED,
  failed: TaskState.FAILED,
  cancelled: TaskState.CANCELLED,
} as const satisfies Record<Task["state"], TaskState>;

export const isTaskState = (text: string): text is Task["state"] => Object.hasOwn(taskStates, text);

export const assignmentStates = {
  generating: AssignmentState.GENERATING,
  scoring: AssignmentState.SCORING,
  abandoned: AssignmentState.ABANDONED,
  accepted: AssignmentState.ACCEPTED,
  rejected: AssignmentState.REJECTED,
  "invalid-asset": AssignmentState.INVALID_ASSET,
  duplicate: AssignmentState.DUPLICATE,
  "system-fault": AssignmentState.SYSTEM_FAULT,
  cancelled: AssignmentState.CANCELLED,
} as const satisfies Record<Assignment["state"], AssignmentState>;

/** What is told of a submission. */
export type SubmittedAsset = Pick<
  Submission,
  | "validator"
  | "assetSha256"
  | "assetSizeBytes"
  | "assetKept"
  | "format"
  | "formatVersion"
  | "compression"
  | "submitTime"
  | "signature"
>;

export type AssetMessage = MessageInitShape<typeof AssetSchema>;

/**
 * The task as clients see it: all but its camera seed.
 * @param asset its result, where there is one
 */
export function taskMessage(
  task: Task,
  asset: AssetMessage | undefined,
): MessageInitShape<typeof TaskSchema> {
  return {
    id: task.id,
    prompt: task.prompt,
    state: taskStates[task.state],
    createTime: timestampFromDate(task.createdAt),
    updateTime: timestampFromDate(task.updatedAt),
    expireTime: timestampFromDate(task.expiresAt),
    assignments: task.assignments.map((assignment) => ({
      id: assignment.id,
      minerHotkey: assignment.hotkey,
      attempt: assignment.attempt,
      createTime: timestampFromDate(assignment.createdAt),
      expireTime: timestampFromDate(assignment.expiresAt),
      state: assignmentStates[assignment.state],
      ...(assignment.score === undefined ? {} : { score: assignment.score }),
      demonstration: assignment.demonstration,
      reason: assignment.reason,
    })),
    ...(asset === undefined ? {} : { asset }),
    ...(task.failure === undefined ? {} : { failure: task.failure }),
  };
}

/**
 * Where the asset of a submission came from, for whoever wants to check it.
 * @param validatorHotkey for which the miner signed, ss58
 */
export function assetMessage(
  task: Pick<Task, "prompt">,
  assignment: Assignment,
  submission: SubmittedAsset,
  validatorHotkey: string,
): AssetMessage {
  return {
    encoding: {
      format: submission.format,
      version: within(submission.formatVersion, 0, maxUint32),
      compression: within(submission.compression, 0, maxUint32),
    },
    sizeBytes: BigInt(submission.assetSizeBytes),
    sha256: Buffer.from(submission.assetSha256, "hex"),
    score: assignment.score ?? 0,
    demonstration: assignment.demonstration,
    minerHotkey: assignment.hotkey,
    validatorHotkey,
    submitTimeNs: within(submission.submitTime, 0n, maxUint64),
    signature: submission.signature,
    prompt: task.prompt,
  };
}

/** A change of a task as its watchers get it. */
export function eventMessage(event: TaskEvent): MessageInitShape<typeof WatchTaskResponseSchema> {
  return {
    sequence: BigInt(event.sequence),
    time: timestampFromDate(event.at),
    kind: event.kind,
    state: taskStates[event.state],
    minerHotkey: event.hotkey,
    ...(event.score === undefined ? {} : { score: event.score }),
    demonstration: event.demonstration,
    message: event.message,
  };
}

const maxUint32 = 2 ** 32 - 1;
const maxUint64 = 2n ** 64n - 1n;

/** What a message can carry: rows from before miners' fields were checked may hold anything. */
function within<T extends number | bigint>(value: T, least: T, most: T): T {
  if (value < least) {
    return least;
  }
  return value > most ? most : value;
}
