import { eventMessage } from "../messages.ts";
import { findTask, type GenerationOptions, type Rpc } from "./service.ts";

/** What happens to a task, from the event after `after_sequence` to the one that ends it. */
export function watchTask({ tasks, stop }: GenerationOptions): Rpc<"watchTask"> {
  return async function* ({ taskId, afterSequence }, call) {
    findTask(tasks, taskId, call);
    // A sequence number beyond 2^53 is beyond every task's last one all the same.
    const after = Number(afterSequence);
    const either = AbortSignal.any([call.signal, stop]);
    for await (const event of tasks.watch(taskId, after, either)) {
      yield eventMessage(event);
    }
    // A watch that was cut short must not look like one that came to its end.
    stop.throwIfAborted();
  };
}
