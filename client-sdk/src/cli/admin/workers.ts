import { ListWorkersResponseSchema } from "@turntable/proto";
import type { CliCommand } from "../command.ts";
import type { Run } from "../context.ts";
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

export function addWorkers(admin: CliCommand, run: Run): void {
  withAdminOptions(withPageOptions(admin.command("workers")))
    .description("what each worker has done since the coordinator started")
    .action((flags: PageFlags) =>
      runAdmin(run, flags, ListWorkersResponseSchema, {
        ask: (client, options) => client.listWorkers(pageOf(flags), options),
        describe: ({ workers }) =>
          table(
            [
              "WORKER",
              "SCORED",
              "INVALID",
              "FAULTS",
              "MEAN",
              "RENDER",
              "SCORE",
              "LAST RESULT",
              "WITH",
            ],
            workers.map((worker) => [
              printable(worker.id),
              String(worker.scored),
              String(worker.invalid),
              String(worker.faults),
              formatDuration(worker.meanTotalMs),
              formatDuration(worker.meanRenderMs),
              formatDuration(worker.meanScoreMs),
              timeText(worker.lastResultTime),
              printable(`${worker.renderer}, ${worker.model}, ${worker.version}`),
            ]),
            ["SCORED", "INVALID", "FAULTS", "MEAN", "RENDER", "SCORE"],
          ),
        note: more("turntable admin workers"),
      }),
    );
}
