import {
  ListMinersResponseSchema,
  ListMinerVerdictsResponseSchema,
  type MinerStanding,
} from "@turntable/proto";
import type { CliCommand } from "../command.ts";
import type { Run } from "../context.ts";
import { printable, table } from "../text.ts";
import {
  more,
  type PageFlags,
  pageOf,
  runAdmin,
  timeText,
  withAdminOptions,
  withPageOptions,
} from "./verb.ts";

export function addMiners(admin: CliCommand, run: Run): void {
  withAdminOptions(withPageOptions(admin.command("miners [HOTKEY]")))
    .description("where the miners stand; of one of them every verdict and what followed from it")
    .action((hotkey: string | undefined, flags: PageFlags) =>
      hotkey === undefined
        ? runAdmin(run, flags, ListMinersResponseSchema, {
            ask: (client, options) => client.listMiners(pageOf(flags), options),
            describe: ({ miners }) => minerTable(miners),
            note: more("turntable admin miners"),
          })
        : runAdmin(run, flags, ListMinerVerdictsResponseSchema, {
            ask: (client, options) =>
              client.listMinerVerdicts({ hotkey, ...pageOf(flags) }, options),
            describe: ({ verdicts }) =>
              table(
                ["TIME", "VERDICT", "SCORE", "FIDELITY", "REWARD", "COOLDOWN UNTIL", "REASON"],
                verdicts.map((verdict) => [
                  timeText(verdict.time),
                  printable(verdict.verdict),
                  verdict.score.toFixed(2),
                  verdict.fidelity.toFixed(2),
                  verdict.reward.toFixed(2),
                  timeText(verdict.cooldownEndTime),
                  printable(verdict.reason || verdict.code),
                ]),
                ["SCORE", "FIDELITY", "REWARD"],
              ),
            note: more(`turntable admin miners ${hotkey}`),
          }),
    );
}

function minerTable(miners: readonly MinerStanding[]): string {
  return table(
    [
      "HOTKEY",
      "REWARD",
      "ACCEPTED",
      "SCORED",
      "FIDELITY",
      "VIOLATIONS",
      "SILENCES",
      "COOLDOWN UNTIL",
    ],
    miners.map((miner) => [
      `${printable(miner.hotkey)}${miner.registered ? "" : " (not registered)"}`,
      miner.reward.toFixed(2),
      String(miner.observations),
      String(miner.scored),
      miner.averageFidelity.toFixed(2),
      String(miner.violations),
      String(miner.silences),
      timeText(miner.cooldownEndTime),
    ]),
    ["REWARD", "ACCEPTED", "SCORED", "FIDELITY", "VIOLATIONS", "SILENCES"],
  );
}
