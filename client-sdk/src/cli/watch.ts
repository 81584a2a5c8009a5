import { toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { TaskState, WatchTaskResponseSchema } from "@turntable/proto";
import { TaskFailedError } from "../errors.ts";
import { describeEvent } from "./events.ts";
import type { Verb } from "./verb.ts";

export const watchVerb: Verb = {
  name: "watch",
  argument: "TASK",
  summary: "show what happened to a task, and what happens, until it has ended",
  options: {},
  async run({ args, client, output, signal, suggest }) {
    const taskId = args.argument;
    for await (const event of client.watch(taskId, { signal })) {
      suggest(`turntable watch ${taskId}`);
      const time = event.time === undefined ? "" : `${timestampDate(event.time).toISOString()}  `;
      await output.write(
        args.flag("json")
          ? `${JSON.stringify(toJson(WatchTaskResponseSchema, event))}\n`
          : `${time}${describeEvent(event)}\n`,
      );
      if (event.state === TaskState.FAILED || event.state === TaskState.CANCELLED) {
        throw new TaskFailedError(taskId, event.kind, event.message);
      }
      if (event.state === TaskState.SUCCEEDED) {
        output.note(`its asset: turntable download ${taskId} --out FILE`);
      }
    }
  },
};
