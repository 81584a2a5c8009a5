/** What happens, as log lines and metrics together. */
import type { Meter } from "@opentelemetry/api";
import type { AxonTarget } from "@turntable/bittensor/dendrite";
import { hostAndPort, type Logger } from "@turntable/process";
import type { Ending, MinerStore, TaskInHand, ValidatorStanding } from "./store/index.ts";
import type { TaskReport } from "./task.ts";

export interface MinerEvents {
  taskDone(task: TaskInHand, report: TaskReport & { readonly ending: Ending }): void;
  pullFailed(failure: {
    readonly target: AxonTarget;
    readonly status: number | null;
    readonly message: string | null;
    /** The validator answered; otherwise it was not reached. */
    readonly isRefusal: boolean;
    readonly restMs: number;
  }): void;
  /** A validator gave a task that was answered before and whose asset is gone. */
  lentAgain(task: TaskInHand, outcome: string): void;
}

export function createEvents({
  logger,
  meter,
  store,
  now,
}: {
  readonly logger: Logger;
  readonly meter: Meter | undefined;
  readonly store: MinerStore;
  readonly now: () => number;
}): MinerEvents {
  const tasks = meter?.createCounter("turntable_miner_tasks", {
    description: "tasks by what came of them",
  });
  const pullFailures = meter?.createCounter("turntable_miner_pull_failures", {
    description: "validators that gave no answer to use: refused, or unreachable",
  });
  for (const kind of ["refused", "unreachable"]) {
    pullFailures?.add(0, { kind }); // the growth of a series that was not there is not seen
  }
  observeValidators(meter, store, now);
  return {
    taskDone(task, { ending, sent, endpoint, score, generateMs, submitMs, sends }) {
      const { outcome, reason, feedback } = ending;
      tasks?.add(1, { outcome });
      logger.info(
        {
          task_id: task.id,
          prompt: task.prompt,
          validator: task.target.hotkey,
          outcome,
          reason: reason || undefined,
          fidelity: feedback?.fidelity,
          average: feedback?.average,
          reward: feedback?.reward,
          score,
          url: endpoint,
          size_bytes: sent?.bytes.byteLength,
          generate_ms: generateMs,
          submit_ms: submitMs,
          sends,
        },
        "task done",
      );
    },
    pullFailed({ target, status, message, isRefusal, restMs }) {
      pullFailures?.add(1, { kind: isRefusal ? "refused" : "unreachable" });
      const rest = { rest_ms: restMs };
      logger.warn(
        { validator: target.hotkey, status, message, ...rest },
        "the validator gave no task",
      );
    },
    lentAgain({ id, target }, outcome) {
      logger.warn(
        { task_id: id, validator: target.hotkey, outcome },
        "the validator gave a task again that it has answered",
      );
    },
  };
}

/** Validators are told apart by where they are: few, and what an operator looks for; hotkeys are no labels here. */
function observeValidators(meter: Meter | undefined, store: MinerStore, now: () => number): void {
  const gauges: readonly (readonly [
    string,
    string,
    (standing: ValidatorStanding) => number | undefined,
  ])[] = [
    ["average_fidelity", "the miner's average, as the validator told last", (v) => v.average],
    ["reward", "the miner's reward, as the validator told last", (v) => v.reward],
    ["tasks", "tasks of the validator that ended, of the last month", (v) => v.tasks],
    ["accepted", "accepted ones of those tasks", (v) => v.accepted],
    [
      "cooldown_seconds",
      "until the validator is asked again",
      (v) => Math.max(0, (v.askAt - now()) / 1000),
    ],
  ];
  const made = gauges.flatMap(([name, description, read]) => {
    const gauge = meter?.createObservableGauge(`turntable_miner_validator_${name}`, {
      description,
    });
    return gauge === undefined ? [] : [{ gauge, read }];
  });
  meter?.addBatchObservableCallback(
    (result) => {
      for (const standing of store.standing(now()).validators) {
        for (const { gauge, read } of made) {
          const value = read(standing);
          if (value !== undefined) {
            const validator = hostAndPort(standing.ip, standing.port);
            result.observe(gauge, value, { validator });
          }
        }
      }
    },
    made.map(({ gauge }) => gauge),
  );
}
