import { InspectTaskResponseSchema, ListAllTasksResponseSchema } from "@turntable/proto";
import type { CliCommand } from "../command.ts";
import type { Run } from "../context.ts";
import { describeTask } from "../show.ts";
import { printable, shorten, table, taskStateName } from "../text.ts";
import {
  more,
  type PageFlags,
  pageOf,
  runAdmin,
  timeText,
  withAdminOptions,
  withPageOptions,
} from "./verb.ts";

interface AllTasksFlags extends PageFlags {
  readonly client?: string;
  readonly open?: true;
}

const promptWidth = 50;

export function addAllTasks(admin: CliCommand, run: Run): void {
  withAdminOptions(withPageOptions(admin.command("tasks [TASK]")))
    .description("tasks of everybody, newest first; of one of them everything that happened to it")
    .option("--client <NAME>", "only those of this client")
    .option("--open", "only those that have not ended")
    .action((taskId: string | undefined, flags: AllTasksFlags) =>
      taskId === undefined ? list(run, flags) : inspect(run, taskId, flags),
    );
}

function list(run: Run, flags: AllTasksFlags): Promise<void> {
  const request = {
    ...pageOf(flags),
    client: flags.client ?? "",
    onlyOpen: flags.open === true,
  };
  return runAdmin(run, flags, ListAllTasksResponseSchema, {
    ask: (client, options) => client.listAllTasks(request, options),
    describe: ({ tasks }) =>
      table(
        ["TASK", "CLIENT", "STATE", "CREATED", "PROMPT"],
        tasks.map(({ task, client }) => [
          printable(task?.id ?? ""),
          printable(client),
          taskStateName(task?.state ?? 0),
          timeText(task?.createTime),
          shorten(printable(task?.prompt ?? ""), promptWidth),
        ]),
      ),
    note: more("turntable admin tasks"),
  });
}

function inspect(run: Run, taskId: string, flags: AllTasksFlags): Promise<void> {
  return runAdmin(run, flags, InspectTaskResponseSchema, {
    ask: (client, options) => client.inspectTask({ taskId }, options),
    describe({ task, changes }) {
      const rows = changes.map((change) => [
        timeText(change.time),
        printable(change.kind),
        change.score === undefined ? "" : change.score.toFixed(2),
        printable(change.minerHotkey),
        printable(change.message),
      ]);
      const head = task?.task === undefined ? "" : describeTask(task.task);
      return `client    ${printable(task?.client ?? "")}\n${head}\n${table(["TIME", "WHAT", "SCORE", "MINER", "REASON"], rows, ["SCORE"])}`;
    },
  });
}
