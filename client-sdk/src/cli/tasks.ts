import { create, toJson } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import {
  type Assignment,
  AssignmentState,
  ListTasksResponseSchema,
  type Task,
} from "@turntable/proto";
import { parseWhole } from "./arguments.ts";
import {
  demonstrationNote,
  formatDuration,
  printable,
  shorten,
  shortHotkey,
  table,
  taskStateName,
} from "./text.ts";
import type { Verb } from "./verb.ts";

const defaultLimit = "20";
const maxLimit = 500;
const promptWidth = 50;

export const tasksVerb: Verb = {
  name: "tasks",
  summary: "list tasks, newest first",
  options: {
    limit: { value: "N", help: `at most this many, up to ${maxLimit} [${defaultLimit}]` },
    "page-token": { value: "TOKEN", help: "where the page before ended" },
  },
  async run({ args, client, output, signal }) {
    const pageSize = parseWhole("limit", args.text("limit") ?? defaultLimit, 1, maxLimit);
    const page = await client.list({ pageSize, pageToken: args.text("page-token"), signal });
    if (args.flag("json")) {
      const message = create(ListTasksResponseSchema, {
        tasks: [...page.tasks],
        nextPageToken: page.nextPageToken ?? "",
      });
      await output.write(`${JSON.stringify(toJson(ListTasksResponseSchema, message))}\n`);
      return;
    }
    const now = Date.now();
    const rows = page.tasks.map((task) => row(task, now));
    await output.write(
      table(["TASK", "STATE", "SCORE", "MINER", "AGE", "PROMPT"], rows, ["SCORE", "AGE"]),
    );
    if (page.tasks.some((task) => scored(task)?.demonstration)) {
      output.note(`* by ${demonstrationNote}`);
    }
    if (page.nextPageToken !== undefined) {
      const limit = args.text("limit") === undefined ? "" : ` --limit ${pageSize}`;
      output.note(`more: turntable tasks${limit} --page-token ${page.nextPageToken}`);
    }
  },
};

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
