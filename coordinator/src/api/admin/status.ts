import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { CoordinatorRole, Intake } from "@turntable/proto";
import { invalidArgument } from "../errors.ts";
import { isTaskState, taskStates } from "../messages.ts";
import { type AdminOptions, checkLength, type Rpc } from "./service.ts";

const intakes = {
  open: Intake.OPEN,
  paused: Intake.PAUSED,
  draining: Intake.DRAINING,
} as const;
const roles = {
  alone: CoordinatorRole.ALONE,
  leading: CoordinatorRole.LEADING,
  uncertain: CoordinatorRole.UNCERTAIN,
} as const;
const maxReasonChars = 200;

/** How the coordinator is doing. */
export function getStatus(options: AdminOptions): Rpc<"getStatus"> {
  return async () => {
    const status = await options.status();
    const mode = options.intake.mode();
    const pending = options.countPending();
    const { assigned = 0, scoring = 0 } = status.openTasks;
    return {
      startTime: timestampFromMs(status.startedAt),
      rules: status.rules,
      role: roles[status.role],
      name: status.name,
      notReady: status.notReady ?? "",
      intake: intakes[mode.kind],
      intakeReason: mode.reason,
      drained: mode.kind === "draining" && pending + assigned + scoring === 0,
      openTasks: Object.entries(status.openTasks).flatMap(([state, count]) =>
        isTaskState(state) ? [{ state: taskStates[state], count: BigInt(count) }] : [],
      ),
      pending: BigInt(pending),
      queue: Object.entries(status.queue ?? {}).map(([jobClass, jobs]) => ({
        jobClass,
        jobs: BigInt(jobs),
      })),
      workers: status.workers,
      miners: status.miners,
      validators: status.validators.map(({ netuid, hotkey, block, neuron }) => ({
        ...{ netuid, hotkey, block: BigInt(block) },
        ...(neuron === null
          ? {}
          : {
              uid: neuron.uid,
              stakeTao: neuron.stakeTao,
              validatorPermit: neuron.validatorPermit,
              lastUpdate: BigInt(neuron.lastUpdate),
            }),
      })),
    };
  };
}

/** Pauses, drains or resumes. */
export function setIntake({ intake }: AdminOptions): Rpc<"setIntake"> {
  return async ({ intake: wanted, reason }) => {
    checkLength("reason", reason, maxReasonChars);
    const kind = (["open", "paused", "draining"] as const).find((one) => intakes[one] === wanted);
    if (kind === undefined) {
      throw invalidArgument("intake", "is not one of open, paused and draining");
    }
    intake.setMode(kind, reason);
    return { intake: wanted };
  };
}
