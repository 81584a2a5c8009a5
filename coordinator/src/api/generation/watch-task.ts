import { eventMessage } from "../messages.ts";
import { beginWatch } from "../watching.ts";
import { findTask, type GenerationOptions, type Rpc } from "./service.ts";

/** What happens to a task, from the event after `after_sequence` to the one that ends it. */
export function watchTask(options: GenerationOptions): Rpc<"watchTask"> {
  const { tasks } = options;
  return async function* ({ taskId, afterSequence }, call) {
    findTask(tasks, taskId, call);
    // A sequence number beyond 2^53 is beyond every task's last one all the same.
    const after = Number(afterSequence);
    const watching = beginWatch(options, call.signal);
    for await (const event of tasks.watch(taskId, after, watching.signal)) {
      yield eventMessage(event);
    }
    watching.throwIfCut();
  };
}
