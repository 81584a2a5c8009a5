import { isEnded, isOpen } from "../../tasks/index.ts";
import { failedPrecondition, notFound } from "../errors.ts";
import { findTask, type GenerationOptions, type Rpc } from "./service.ts";

/** The report of the task's result; without one, of the submission that scored best. */
export function getReport({ tasks, reportOf }: GenerationOptions): Rpc<"getReport"> {
  return async ({ taskId }, call) => {
    const task = findTask(tasks, taskId, call);
    // The cameras are no secret any more then, so no miner may still be able to make use of them.
    if (!isEnded(task.state) || task.assignments.some(isOpen)) {
      throw failedPrecondition(
        `task ${task.id} is ${task.state}; its report is published when it has ended and no miner works on it`,
      );
    }
    const scored = task.assignments.filter(({ score }) => score !== undefined);
    const best = scored.toSorted((a, b) => (b.score ?? 0) - (a.score ?? 0))[0];
    const report = reportOf(task.bestAssignment ?? best?.id ?? "");
    if (report === undefined) {
      throw notFound(`nothing of task ${task.id} was scored`);
    }
    return { report };
  };
}
