import {
  ListWeightAttemptsResponseSchema,
  PlanWeightsResponseSchema,
  WeightsDue,
} from "@turntable/proto";
import type { CliCommand } from "../command.ts";
import type { Run } from "../context.ts";
import { printable, table } from "../text.ts";
import { whole } from "../usage.ts";
import {
  more,
  type PageFlags,
  pageOf,
  runAdmin,
  timeText,
  withAdminOptions,
  withPageOptions,
} from "./verb.ts";

interface WeightsFlags extends PageFlags {
  readonly netuid?: number;
}

const maxNetuid = 65_535;

export function addWeights(admin: CliCommand, run: Run): void {
  const weights = admin.command("weights").description("what is set on the chain");
  const attempts = weights.command("attempts", { isDefault: true });
  attempts.isStandIn = true;
  const netuid = [
    "--netuid <N>",
    "the subnet [the first axon's]",
    whole("netuid", 0, maxNetuid),
  ] as const;
  withAdminOptions(withPageOptions(attempts).option(...netuid))
    .description("what was sent, and what the chain said, newest first")
    .action((flags: WeightsFlags) =>
      runAdmin(run, flags, ListWeightAttemptsResponseSchema, {
        ask: (client, options) =>
          client.listWeightAttempts({ ...of(flags), ...pageOf(flags) }, options),
        describe: (answer) =>
          table(
            ["TIME", "BLOCK", "OUTCOME", "WEIGHTS", "MESSAGE"],
            answer.attempts.map((attempt) => [
              timeText(attempt.time),
              String(attempt.block),
              printable(attempt.outcome || "not known yet"),
              String(attempt.weights.length),
              printable(attempt.message),
            ]),
            ["BLOCK", "WEIGHTS"],
          ),
        note: more("turntable admin weights"),
      }),
    );
  withAdminOptions(weights.command("plan").option(...netuid))
    .description("what would be set now, and why; sends nothing")
    .action((flags: WeightsFlags) =>
      runAdmin(run, flags, PlanWeightsResponseSchema, {
        ask: (client, options) => client.planWeights(of(flags), options),
        describe: (plan) => {
          const rows = plan.weights.map((weight) => [
            String(weight.uid),
            printable(weight.hotkey),
            String(weight.weight),
            weight.reward.toFixed(2),
            String(weight.observations),
            String(weight.scored),
          ]);
          const header = ["UID", "HOTKEY", "WEIGHT", "REWARD", "ACCEPTED", "SCORED"];
          const steps = plan.steps.map((step) => `${printable(step)}\n`).join("");
          return `netuid ${plan.netuid}, block ${plan.block}, ${printable(plan.hotkey)}: ${dueText(plan)}\n${table(header, rows, ["UID", "WEIGHT", "REWARD", "ACCEPTED", "SCORED"])}${steps}`;
        },
      }),
    );
}

const of = ({ netuid }: WeightsFlags) => (netuid === undefined ? {} : { netuid });

function dueText(plan: {
  readonly due: WeightsDue;
  readonly dueBlock: bigint;
  readonly barredReason: string;
}): string {
  switch (plan.due) {
    case WeightsDue.NOW:
      return "due now";
    case WeightsDue.LATER:
      return `due at block ${plan.dueBlock}`;
    case WeightsDue.BARRED:
      return `not set: ${printable(plan.barredReason)}`;
    default:
      return `due: state ${plan.due}`;
  }
}
