/** A task as clients see it, with the asset that it has by now. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { TaskSchema } from "@turntable/proto";
import type { Task } from "../tasks/index.ts";
import { type AssetMessage, assetMessage, type SubmittedAsset, taskMessage } from "./messages.ts";

export interface AssetSource {
  /** A submission by its id, which is its assignment's. */
  readonly submissionOf: (id: string) => SubmittedAsset | undefined;
  /** Stands for the validator of submissions that do not say whose axon took them; ss58. */
  readonly validatorHotkey: string;
}

/** The best asset of a task so far; undefined while there is none. */
export function assetOf(
  { submissionOf, validatorHotkey }: AssetSource,
  task: Task,
):
  | {
      readonly message: AssetMessage;
      readonly sha256: string;
      /** False once retention has removed it. */
      readonly isKept: boolean;
    }
  | undefined {
  const assignment = task.assignments.find(({ id }) => id === task.bestAssignment);
  const submission = assignment === undefined ? undefined : submissionOf(assignment.id);
  if (assignment === undefined || submission === undefined) {
    return undefined;
  }
  const validator = submission.validator || validatorHotkey;
  const message = assetMessage(task, assignment, submission, validator);
  return { message, sha256: submission.assetSha256, isKept: submission.assetKept };
}

export function messageOf(source: AssetSource, task: Task): MessageInitShape<typeof TaskSchema> {
  return taskMessage(task, assetOf(source, task)?.message);
}
