import { TaskOrigin, type TaskState as TaskStateMessage } from "@turntable/proto";
import type { TaskClass, TaskState } from "../../tasks/index.ts";
import { exhausted, invalidArgument, notFound } from "../errors.ts";
import { taskStates } from "../messages.ts";
import { badToken, pageSizeOf } from "../pages.ts";
import { beginWatch } from "../watching.ts";
import { maxIdChars, maxPageSize, type Rpc, type SubnetOptions } from "./service.ts";
import { taskDetail, taskSummary } from "./task-detail.ts";
import type { Visible, VisibleTask } from "./visible.ts";

/** When a watcher too many is told to come back, in ms. */
const fullRetryMs = 10_000;

/** Everybody's tasks that may be seen, newest first. */
export function listPublicTasks(visible: Visible): Rpc<"listPublicTasks"> {
  return async ({ pageSize, pageToken, states, origin }) => {
    const of = { class: classOf(origin), states: states.map(stateOf) };
    const size = pageSizeOf(pageSize, maxPageSize);
    const found = visible.recent(of, size, pageToken || undefined);
    if (found === undefined) {
      throw badToken();
    }
    return { tasks: found.tasks.map(taskSummary), nextPageToken: found.last ?? "" };
  };
}

/** A task with every copy. */
export function getPublicTask(options: SubnetOptions, visible: Visible): Rpc<"getPublicTask"> {
  return async ({ taskId }) => ({
    detail: taskDetail(options, visible, find(visible, taskId)),
  });
}

/** A task with every copy, again after each change. */
export function watchPublicTask(options: SubnetOptions, visible: Visible): Rpc<"watchPublicTask"> {
  let watchers = 0;
  return async function* ({ taskId }, call) {
    find(visible, taskId);
    if (watchers >= options.maxWatchers) {
      const message = `${options.maxWatchers} streams of this kind are open, which is the limit`;
      throw exhausted("watchers", message, fullRetryMs);
    }
    watchers += 1;
    try {
      const watching = beginWatch(options, call.signal);
      const task = find(visible, taskId);
      yield { detail: taskDetail(options, visible, task) };
      let seen = visible.changes(task).length;
      for await (const { sequence } of visible.watch(task, seen, watching.signal)) {
        // What came together is told together.
        if (sequence > seen) {
          const now = find(visible, taskId);
          seen = visible.changes(now).length;
          yield { detail: taskDetail(options, visible, now) };
        }
      }
      watching.throwIfCut();
    } finally {
      watchers -= 1;
    }
  };
}

/** @throws RpcError NOT_FOUND */
function find(visible: Visible, taskId: string): VisibleTask {
  const task = visible.task(taskId);
  if (task === undefined) {
    throw notFound(
      `no task "${taskId.slice(0, maxIdChars)}": there never was one, it was removed some time after its end, or it is not shown here`,
    );
  }
  return task;
}

function classOf(origin: TaskOrigin): TaskClass | undefined {
  switch (origin) {
    case TaskOrigin.UNSPECIFIED:
      return undefined;
    case TaskOrigin.ORGANIC:
      return "organic";
    case TaskOrigin.SYNTHETIC:
      return "synthetic";
    default: // enums of the wire are open
      throw invalidArgument("origin", `is ${Number(origin)}, which is unknown`);
  }
}

const stateNames = new Map<TaskStateMessage, TaskState>(
  Object.entries(taskStates).map(([name, state]) => [state, name as TaskState]), // the table's own keys
);

function stateOf(state: TaskStateMessage): TaskState {
  const name = stateNames.get(state);
  if (name === undefined) {
    throw invalidArgument("states", `has ${state}, which is no task's state`);
  }
  return name;
}
