import {
  CoordinatorRoleSchema,
  type GetStatusResponse,
  GetStatusResponseSchema,
  Intake,
  IntakeSchema,
  SetIntakeResponseSchema,
} from "@turntable/proto";
import type { CliCommand } from "../command.ts";
import type { CommonFlags, Run } from "../context.ts";
import { enumName, printable, taskStateName } from "../text.ts";
import { oneOf } from "../usage.ts";
import { facts, runAdmin, timeText, withAdminOptions } from "./verb.ts";

export function addStatus(admin: CliCommand, run: Run): void {
  withAdminOptions(admin.command("status"))
    .description("how the coordinator is doing")
    .action((flags: CommonFlags) =>
      runAdmin(run, flags, GetStatusResponseSchema, {
        ask: (client, options) => client.getStatus({}, options),
        describe: (status) =>
          facts([
            ["ready", status.notReady === "" ? "yes" : `no: ${printable(status.notReady)}`],
            ["role", roleText(status)],
            ["intake", intakeText(status.intake, status.intakeReason)],
            ...(status.drained ? [["drained", "yes: the process may be stopped"] as const] : []),
            ["rules", printable(status.rules)],
            ["since", timeText(status.startTime)],
            [
              "open tasks",
              status.openTasks
                .map(({ state, count }) => `${count} ${taskStateName(state)}`)
                .join(", ") || "none",
            ],
            ["pending", `${status.pending} without a verdict`],
            [
              "queue",
              status.queue
                .map(({ jobs, jobClass }) => `${jobs} ${printable(jobClass)}`)
                .join(", ") || "unknown",
            ],
            ["workers", String(status.workers)],
            ["miners", String(status.miners)],
            ...status.validators.map(
              ({ netuid, hotkey, uid, stakeTao, validatorPermit }) =>
                [
                  `netuid ${netuid}`,
                  `${printable(hotkey)} ${uid === undefined ? "not registered" : `uid ${uid}`}, ${stakeTao.toFixed(0)} TAO, ${validatorPermit ? "with" : "without"} a permit`,
                ] as const,
            ),
          ]),
      }),
    );
}

const intakes = { open: Intake.OPEN, pause: Intake.PAUSED, drain: Intake.DRAINING } as const;

export function addIntake(admin: CliCommand, run: Run): void {
  withAdminOptions(admin.command("intake <WHAT>"))
    .description("open, pause (tasks wait) or drain (nothing is taken) the coordinator")
    .option("--reason <TEXT>", "what those who are refused are told", "")
    .action((what: string, flags: CommonFlags & { readonly reason: string }) =>
      runAdmin(run, flags, SetIntakeResponseSchema, {
        ask: (client, options) => {
          const intake = intakes[oneOf("WHAT", ["open", "pause", "drain"])(what)];
          return client.setIntake({ intake, reason: flags.reason }, options);
        },
        describe: ({ intake }) => `${intakeText(intake, flags.reason)}\n`,
      }),
    );
}

function roleText({ role, name }: GetStatusResponse): string {
  const word = enumName(CoordinatorRoleSchema, role) ?? `role ${role}`;
  return name === "" ? word : `${word} as ${printable(name)}`;
}

function intakeText(intake: Intake, reason: string): string {
  const name = enumName(IntakeSchema, intake) ?? `state ${intake}`;
  return reason === "" ? name : `${name}: ${printable(reason)}`;
}
