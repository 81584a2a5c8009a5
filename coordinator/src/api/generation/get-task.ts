import { messageOf } from "../task-message.ts";
import { findTask, type GenerationOptions, type Rpc } from "./service.ts";

/** One task of the caller's. */
export function getTask(options: GenerationOptions): Rpc<"getTask"> {
  return async ({ taskId }, call) => ({
    task: messageOf(options, findTask(options.tasks, taskId, call)),
  });
}
