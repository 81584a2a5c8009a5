/** The overview as messages, one for all who watch it. */
import {
  create,
  type DescMessage,
  equals,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  CoordinatorFactsSchema,
  LeaderBoardSchema,
  OverviewSchema,
  ProblemListSchema,
  ProblemSeverity,
  type PublicMinerSchema,
  type PublicWeightsSchema,
  QueueStateSchema,
  ScoreDistributionSchema,
  TaskRatesSchema,
  WeightsListSchema,
  WorkerListSchema,
} from "@turntable/proto";
import type { Leader, Overview, Problem, Validator } from "../../overview/index.ts";
import { beginWatch } from "../watching.ts";
import { createFeed, type Feed } from "./feed.ts";
import type { Rpc, SubnetOptions } from "./service.ts";

/** Between two looks for those who watch, in ms. */
const everyMs = 1_000;
const maxWorkers = 100;
const maxLeaders = 256;

const schemas = {
  facts: CoordinatorFactsSchema,
  tasks: TaskRatesSchema,
  queue: QueueStateSchema,
  workers: WorkerListSchema,
  leaders: LeaderBoardSchema,
  scores: ScoreDistributionSchema,
  weights: WeightsListSchema,
  problems: ProblemListSchema,
} as const;

/** The parts of an overview, as they are sent. */
type Parts = { readonly [Name in keyof typeof schemas]: MessageShape<(typeof schemas)[Name]> };

export type OverviewFeed = Feed<Parts>;

export function createOverviewFeed(options: SubnetOptions): OverviewFeed {
  const facts = create(CoordinatorFactsSchema, factsOf(options));
  return createFeed<Parts>({
    async take() {
      return partsOf(facts, await options.overview.take(options.now()));
    },
    isSame: isSamePart,
    everyMs,
    maxWatchers: options.maxWatchers,
    onTrouble: (error) => options.onTrouble("the overview could not be made", error),
  });
}

/** How the subnet is doing; every part is there. */
export function getOverview(options: SubnetOptions, feed: OverviewFeed): Rpc<"getOverview"> {
  return async () => {
    const parts = await feed.current();
    return { overview: create(OverviewSchema, { ...parts, time: timestampFromMs(options.now()) }) };
  };
}

/** The overview, then what changes of it. */
export function watchOverview(options: SubnetOptions, feed: OverviewFeed): Rpc<"watchOverview"> {
  /** Made once for all who are sent the same. */
  const made = new WeakMap<object, { readonly overview: MessageShape<typeof OverviewSchema> }>();
  return async function* (_request, call) {
    const watching = beginWatch(options, call.signal);
    for await (const parts of feed.watch(watching.signal)) {
      const time = timestampFromMs(options.now());
      const message = made.get(parts) ?? { overview: create(OverviewSchema, { ...parts, time }) };
      made.set(parts, message);
      yield message;
    }
    watching.throwIfCut();
  };
}

/** Parts are compared by their fields. */
function isSamePart(before: Parts[keyof Parts], now: Parts[keyof Parts]): boolean {
  const schema: DescMessage | undefined = Object.values(schemas).find(
    ({ typeName }) => typeName === now.$typeName,
  );
  return schema !== undefined && equals(schema, before, now);
}

function factsOf({
  rules,
  startedAt,
  showClientTasks: showsClientTasks,
  takesTasks,
  needsKey,
}: SubnetOptions): MessageInitShape<typeof CoordinatorFactsSchema> {
  const { name, profile, acceptance, windowMs } = rules;
  return {
    ...{ startTime: timestampFromMs(startedAt), rules: name, profile, acceptance },
    ...{ windowMs: BigInt(windowMs), showsClientTasks, takesTasks, needsKey },
  };
}

function partsOf(facts: Parts["facts"], overview: Overview): Parts {
  const { tasks, queue, scores } = overview;
  const { open } = tasks;
  const { queued = 0, assigned = 0, scoring = 0 } = open;
  return {
    facts,
    tasks: create(TaskRatesSchema, {
      ...{ minutes: tasks.minutes.map(minuteOf), queued, assigned, scoring },
    }),
    queue: create(QueueStateSchema, {
      classes: queue.classes.map(({ jobClass, jobs, oldestMs, meanMs }) => ({
        ...{ jobClass, jobs: BigInt(jobs), oldestWaitMs: oldestMs, meanWaitMs: meanMs },
      })),
      oldestTaskWaitMs: queue.oldestTaskMs,
      reachable: queue.isReachable,
    }),
    workers: create(WorkerListSchema, {
      workers: overview.workers.slice(0, maxWorkers).map((worker) => ({
        ...{ id: worker.id, renderer: worker.renderer, model: worker.model },
        ...{ demonstration: worker.demonstration, version: worker.version },
        busyShare: toPercents(worker.busyShare),
        scored: BigInt(worker.scored),
        invalid: BigInt(worker.invalid),
        faults: BigInt(worker.faults),
        lastResultTime: timestampFromMs(worker.lastAt),
        meanTotalMs: worker.meanTotalMs,
      })),
    }),
    leaders: create(LeaderBoardSchema, {
      miners: overview.leaders.slice(0, maxLeaders).map((one) => minerMessage(one, overview.at)),
      registered: overview.registered,
    }),
    scores: create(ScoreDistributionSchema, {
      lastDay: [...scores.lastDay],
      dayBefore: [...scores.dayBefore],
    }),
    weights: create(WeightsListSchema, {
      validators: overview.validators.map((one) => weightsOf(one, overview.at)),
    }),
    problems: create(ProblemListSchema, {
      problems: overview.problems.map(({ severity, code, text }) => ({
        ...{ severity: severities[severity], code, text },
      })),
    }),
  };
}

const severities = {
  error: ProblemSeverity.ERROR,
  warning: ProblemSeverity.WARNING,
  info: ProblemSeverity.INFO,
} as const satisfies Record<Problem["severity"], ProblemSeverity>;

function minuteOf({ at, ended }: Overview["tasks"]["minutes"][number]) {
  const count = (taskClass: string, state: string): number =>
    ended.find((one) => one.class === taskClass && one.state === state)?.count ?? 0;
  return {
    startTime: timestampFromMs(at),
    organicSucceeded: count("organic", "succeeded"),
    organicFailed: count("organic", "failed"),
    organicCancelled: count("organic", "cancelled"),
    syntheticSucceeded: count("synthetic", "succeeded"),
    syntheticFailed: count("synthetic", "failed"),
  };
}

/** Where a miner stands, at `now` (ms since 1970 UTC). */
export function minerMessage(
  miner: Leader,
  now: number,
): MessageInitShape<typeof PublicMinerSchema> {
  const { hotkey, uid, rank, reward, observations, scored } = miner;
  const { averageFidelity, duelRating, weightShare, cooldownUntil } = miner;
  return {
    ...{ hotkey, reward, observations, scored, averageFidelity, duelRating, weightShare },
    ...(uid === undefined ? {} : { uid }),
    ...(rank === undefined ? {} : { rank }),
    ...(cooldownUntil <= now ? {} : { cooldownEndTime: timestampFromMs(cooldownUntil) }),
  };
}

function weightsOf(
  { netuid, hotkey, neuron, block, readMs, news, lastAttempt }: Validator,
  now: number,
): MessageInitShape<typeof PublicWeightsSchema> {
  return {
    ...{ netuid, hotkey, block: BigInt(block) },
    ...(neuron === undefined ? {} : { uid: neuron.uid }),
    stakeTao: neuron?.stakeTao ?? 0,
    validatorPermit: neuron?.validatorPermit ?? false,
    ...(readMs === undefined
      ? {}
      : { blockTime: timestampFromMs(Math.round((now - readMs) / 1000) * 1000) }),
    ...(lastAttempt === undefined
      ? {}
      : {
          lastAttempt: {
            time: timestampFromMs(lastAttempt.at),
            block: BigInt(lastAttempt.block),
            outcome: lastAttempt.outcome ?? "",
            message: lastAttempt.message,
            ...(lastAttempt.includedBlock === undefined
              ? {}
              : { includedBlock: BigInt(lastAttempt.includedBlock) }),
            count: lastAttempt.rows.length,
          },
        }),
    dueBlock: BigInt(news.dueBlock ?? 0),
    hindrance: news.barred ?? news.nothing ?? "",
  };
}

/** Finer steps would be news every second. */
function toPercents(share: number): number {
  return Math.round(share * 100) / 100;
}
