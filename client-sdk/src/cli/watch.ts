import { toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { TaskState, WatchTaskResponseSchema } from "@turntable/proto";
import { TaskFailedError } from "../errors.ts";
import type { CliCommand } from "./command.ts";
import { type CommonFlags, type Run, runVerb, withCommonOptions } from "./context.ts";
import { describeEvent } from "./events.ts";

export function addWatch(program: CliCommand, run: Run): void {
  withCommonOptions(program.command("watch <TASK>"))
    .description("show what happened to a task, and what happens, until it has ended")
    .action((taskId: string, flags: CommonFlags) =>
      runVerb(run, flags, async ({ client, json, output, signal, suggest }) => {
        for await (const event of client.watch(taskId, { signal })) {
          suggest(`turntable watch ${taskId}`);
          const time =
            event.time === undefined ? "" : `${timestampDate(event.time).toISOString()}  `;
          await output.write(
            json
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
      }),
    );
}
