import {
  DrainWorkerResponseSchema,
  ListWorkersResponseSchema,
  ReleaseWorkerResponseSchema,
  ResumeWorkerResponseSchema,
  WorkerState,
  type WorkerStatistics,
} from "@turntable/proto";
import type { CliCommand } from "../command.ts";
import type { CommonFlags, Run } from "../context.ts";
import { formatDuration, printable, table } from "../text.ts";
import {
  more,
  type PageFlags,
  pageOf,
  runAdmin,
  timeText,
  withAdminOptions,
  withPageOptions,
} from "./verb.ts";

const stateNames = new Map<WorkerState, string>([
  [WorkerState.LOADING, "loading"],
  [WorkerState.READY, "ready"],
  [WorkerState.WORKING, "working"],
  [WorkerState.DRAINING, "draining"],
  [WorkerState.DRAINED, "drained"],
  [WorkerState.AWAY, "away"],
  [WorkerState.QUARANTINED, "quarantined"],
]);
/** Empty for what a coordinator from before states does not tell. */
const stateName = (state: WorkerState): string => stateNames.get(state) ?? "";

export function addWorkers(admin: CliCommand, run: Run): void {
  const workers = admin.command("workers").description("workers, and taking them out of work");
  const list = workers.command("list", { isDefault: true });
  list.isStandIn = true;
  withAdminOptions(withPageOptions(list))
    .description("what each has done since the coordinator started, and does now")
    .action((flags: PageFlags) =>
      runAdmin(run, flags, ListWorkersResponseSchema, {
        ask: (client, options) => client.listWorkers(pageOf(flags), options),
        describe: (answer) =>
          `${table(
            [
              ...["WORKER", "STATE", "SCORED", "INVALID", "FAULTS"],
              ...["MEAN", "RENDER", "SCORE", "LAST RESULT", "WITH"],
            ],
            answer.workers.map((worker) => [
              printable(worker.id),
              stateName(worker.state),
              String(worker.scored),
              String(worker.invalid),
              String(worker.faults),
              formatDuration(worker.meanTotalMs),
              formatDuration(worker.meanRenderMs),
              formatDuration(worker.meanScoreMs),
              timeText(worker.lastResultTime),
              printable([worker.renderer, worker.model, worker.version].filter(Boolean).join(", ")),
            ]),
            ["SCORED", "INVALID", "FAULTS", "MEAN", "RENDER", "SCORE"],
          )}${answer.workers.map(quarantineText).join("")}`,
        note: more("turntable admin workers"),
      }),
    );
  withAdminOptions(workers.command("drain <NAME>"))
    .description(
      "let one finish what it has begun with and take no more, until it is resumed or restarted",
    )
    .action((workerId: string, flags: CommonFlags) =>
      runAdmin(run, flags, DrainWorkerResponseSchema, {
        ask: (client, options) => client.drainWorker({ workerId }, options),
        describe: ({ state }) => `${printable(workerId)} is ${stateName(state)}\n`,
      }),
    );
  withAdminOptions(workers.command("resume <NAME>"))
    .description("let one that was drained take jobs again")
    .action((workerId: string, flags: CommonFlags) =>
      runAdmin(run, flags, ResumeWorkerResponseSchema, {
        ask: (client, options) => client.resumeWorker({ workerId }, options),
        describe: ({ state }) => `${printable(workerId)} is ${stateName(state)}\n`,
      }),
    );
  withAdminOptions(workers.command("release <NAME>"))
    .description("take the results of one that was quarantined again, and let it work")
    .action((workerId: string, flags: CommonFlags) =>
      runAdmin(run, flags, ReleaseWorkerResponseSchema, {
        ask: (client, options) => client.releaseWorker({ workerId }, options),
        describe: ({ state }) => `${printable(workerId)} is ${stateName(state)}\n`,
      }),
    );
}

/** Why a worker gets no jobs; empty when it does. */
function quarantineText({ id, quarantine }: WorkerStatistics): string {
  return quarantine === undefined
    ? ""
    : `${printable(id)} is quarantined since ${timeText(quarantine.startTime)}: ${printable(quarantine.reason)}\n`;
}
