import { toJson } from "@bufbuild/protobuf";
import { TaskSchema } from "@turntable/proto";
import type { CliCommand } from "./command.ts";
import { type CommonFlags, type Run, runVerb, withCommonOptions } from "./context.ts";
import { printable, taskStateName } from "./text.ts";

export function addCancel(program: CliCommand, run: Run): void {
  withCommonOptions(program.command("cancel <TASK>"))
    .description("end a task that nobody wants any more")
    .action((taskId: string, flags: CommonFlags) =>
      runVerb(run, flags, async ({ client, json, output, signal }) => {
        const task = await client.cancel(taskId, { signal });
        await output.write(
          json
            ? `${JSON.stringify(toJson(TaskSchema, task))}\n`
            : `${printable(task.id)}  ${taskStateName(task.state)}\n`,
        );
      }),
    );
}
