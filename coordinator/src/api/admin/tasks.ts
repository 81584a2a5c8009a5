import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { TaskRecordSchema } from "@turntable/proto";
import type { Task } from "../../tasks/index.ts";
import { notFound } from "../errors.ts";
import { taskStates } from "../messages.ts";
import { badToken, pageOf, pageSizeOf } from "../pages.ts";
import { messageOf } from "../task-message.ts";
import type { AdminOptions, Rpc } from "./service.ts";

/** Everybody's tasks, newest first. */
export function listAllTasks(options: AdminOptions): Rpc<"listAllTasks"> {
  return async ({ pageSize, pageToken, client, onlyOpen }) => {
    const size = pageSizeOf(pageSize);
    const found = options.tasks.listAll({ client, onlyOpen }, size + 1, pageToken || undefined);
    if (found === undefined) {
      throw badToken();
    }
    const { items, nextPageToken } = pageOf(found, size, ({ id }) => id);
    return { tasks: items.map((task) => recordOf(options, task)), nextPageToken };
  };
}

/** Anybody's task, with everything that happened to it. */
export function inspectTask(options: AdminOptions): Rpc<"inspectTask"> {
  return async ({ taskId }) => {
    const task = options.tasks.get(taskId);
    if (task === undefined) {
      throw notFound(`no task "${taskId.slice(0, 64)}"`);
    }
    const changes = options.tasks.events(taskId, 0).map(({ sequence, at, state, ...event }) => ({
      sequence: BigInt(sequence),
      time: timestampFromDate(at),
      kind: event.kind,
      state: taskStates[state],
      minerHotkey: event.hotkey,
      ...(event.score === undefined ? {} : { score: event.score }),
      message: event.message,
    }));
    return { task: recordOf(options, task), changes };
  };
}

function recordOf(options: AdminOptions, task: Task): MessageInitShape<typeof TaskRecordSchema> {
  return {
    task: messageOf(options, task),
    client: task.client,
    synthetic: task.class === "synthetic",
  };
}
