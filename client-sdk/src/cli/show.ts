import { toJson } from "@bufbuild/protobuf";
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { type Task, TaskSchema, TaskState } from "@turntable/proto";
import type { CliCommand } from "./command.ts";
import { type CommonFlags, type Run, runVerb, withCommonOptions } from "./context.ts";
import {
  assignmentStateName,
  formatBytes,
  formatScore,
  printable,
  shortHotkey,
  table,
  taskStateName,
} from "./text.ts";

export function addShow(program: CliCommand, run: Run): void {
  withCommonOptions(program.command("show <TASK>"))
    .description("show a task with everything that miners made of it")
    .action((taskId: string, flags: CommonFlags) =>
      runVerb(run, flags, async ({ client, json, output, signal }) => {
        const task = await client.get(taskId, { signal });
        await output.write(
          json ? `${JSON.stringify(toJson(TaskSchema, task))}\n` : describeTask(task),
        );
        const next = nextOf(task);
        if (!json && next !== undefined) {
          output.note(next);
        }
      }),
    );
}

/** The task for people. */
export function describeTask(task: Task): string {
  const { asset, failure } = task;
  const facts: readonly (readonly [string, string])[] = [
    ["task", printable(task.id)],
    ["prompt", printable(task.prompt)],
    ["state", taskStateName(task.state)],
    ["created", timeOf(task.createTime)],
    ["changed", timeOf(task.updateTime)],
    ["expires", timeOf(task.expireTime)],
    ...(failure === undefined
      ? []
      : [["failure", `${printable(failure.code)}: ${printable(failure.message)}`] as const]),
    ...(asset === undefined
      ? []
      : [
          [
            "asset",
            `${formatBytes(asset.sizeBytes)}, score ${formatScore(asset.score, asset.demonstration)}, miner ${printable(asset.minerHotkey)}`,
          ] as const,
        ]),
  ];
  const head = facts.map(([name, value]) => `${name.padEnd(8)}  ${value}\n`).join("");
  if (task.assignments.length === 0) {
    return head;
  }
  const rows = task.assignments.map((assignment) => [
    shortHotkey(printable(assignment.minerHotkey)),
    assignmentStateName(assignment.state),
    assignment.score === undefined ? "" : assignment.score.toFixed(2),
    timeOf(assignment.createTime),
    printable(assignment.reason),
  ]);
  return `${head}\n${table(["MINER", "STATE", "SCORE", "SINCE", "REASON"], rows, ["SCORE"])}`;
}

function timeOf(time: Timestamp | undefined): string {
  return time === undefined ? "" : timestampDate(time).toISOString();
}

function nextOf({ id, state }: Task): string | undefined {
  switch (state) {
    case TaskState.SUCCEEDED:
      return `its asset: turntable download ${id} --out FILE`;
    case TaskState.FAILED:
      return `how its best submission was scored: turntable report ${id}`;
    case TaskState.CANCELLED:
      return undefined;
    default:
      return `to follow it: turntable watch ${id}`;
  }
}
