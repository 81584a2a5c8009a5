import { failedPrecondition } from "../errors.ts";
import { messageOf } from "../task-message.ts";
import { findTask, type GenerationOptions, type Rpc } from "./service.ts";

/** Ends a task of the caller's; once more changes nothing. */
export function cancelTask(options: GenerationOptions): Rpc<"cancelTask"> {
  return async ({ taskId }, call) => {
    const { id, state } = findTask(options.tasks, taskId, call);
    const outcome = options.cancelTask(id);
    switch (outcome.kind) {
      case "cancelled":
      case "repeated":
        return { task: messageOf(options, outcome.task) };
      case "ended":
        throw failedPrecondition(
          `task ${id} has ${outcome.task.state}, and what has ended cannot be cancelled`,
        );
      case "unknown":
        throw new Error(`task ${id} was ${state} and is gone`);
      default:
        throw new TypeError(`unknown outcome ${String(outcome satisfies never)}`);
    }
  };
}
