import { create, toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import {
  type Assignment,
  AssignmentState,
  ListTasksResponseSchema,
  type Task,
} from "@turntable/proto";
import type { CliCommand } from "./command.ts";
import { type CommonFlags, type Run, runVerb, withCommonOptions } from "./context.ts";
import {
  demonstrationNote,
  formatDuration,
  printable,
  shorten,
  shortHotkey,
  table,
  taskStateName,
} from "./text.ts";
import { whole } from "./usage.ts";

const defaultLimit = 20;
const maxLimit = 500;
const promptWidth = 50;

interface TasksFlags extends CommonFlags {
  readonly limit?: number;
  readonly pageToken?: string;
}

export function addTasks(program: CliCommand, run: Run): void {
  withCommonOptions(program.command("tasks"))
    .alias("list")
    .description("list tasks, newest first")
    .option(
      "--limit <N>",
      `at most this many, up to ${maxLimit} [${defaultLimit}]`,
      whole("limit", 1, maxLimit),
    )
    .option("--page-token <TOKEN>", "where the page before ended")
    .action((flags: TasksFlags) =>
      runVerb(run, flags, async ({ client, json, output, signal }) => {
        const pageSize = flags.limit ?? defaultLimit;
        const page = await client.list({ pageSize, pageToken: flags.pageToken, signal });
        if (json) {
          const message = create(ListTasksResponseSchema, {
            tasks: [...page.tasks],
            nextPageToken: page.nextPageToken ?? "",
          });
          await output.write(`${JSON.stringify(toJson(ListTasksResponseSchema, message))}\n`);
          return;
        }
        await output.write(taskTable(page.tasks, Date.now()));
        if (page.tasks.some((task) => scored(task)?.demonstration)) {
          output.note(`* by ${demonstrationNote}`);
        }
        if (page.nextPageToken !== undefined) {
          const limit = flags.limit === undefined ? "" : ` --limit ${pageSize}`;
          output.note(`more: turntable tasks${limit} --page-token ${page.nextPageToken}`);
        }
      }),
    );
}

export function taskTable(tasks: readonly Task[], now: number): string {
  const rows = tasks.map((task) => row(task, now));
  return table(["TASK", "STATE", "SCORE", "MINER", "AGE", "PROMPT"], rows, ["SCORE", "AGE"]);
}

function row(task: Task, now: number): readonly string[] {
  // The miner whose asset is the task's result; while there is none, the miner that got the task last.
  const miner = task.asset?.minerHotkey ?? task.assignments.at(-1)?.minerHotkey ?? "";
  const others = new Set(task.assignments.map((a) => a.minerHotkey)).size - 1;
  const by = scored(task);
  return [
    printable(task.id),
    taskStateName(task.state),
    by?.score === undefined ? "" : `${by.score.toFixed(2)}${by.demonstration ? "*" : ""}`,
    `${shortHotkey(printable(miner))}${others > 0 ? ` +${others}` : ""}`,
    task.createTime === undefined
      ? ""
      : formatDuration(Math.max(0, now - timestampDate(task.createTime).getTime())),
    shorten(printable(task.prompt), promptWidth),
  ];
}

/** What bears the score to show: the result, else the best so far. */
function scored(task: Task): Pick<Assignment, "score" | "demonstration"> | undefined {
  const [best] = task.assignments
    .filter((a) => a.state === AssignmentState.ACCEPTED || a.state === AssignmentState.REJECTED)
    .toSorted((a, b) => (b.score ?? 0) - (a.score ?? 0));
  return task.asset ?? best;
}
