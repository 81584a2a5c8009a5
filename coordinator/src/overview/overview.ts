/**
 * How the subnet is doing at this coordinator, at one moment: what the web page shows first.
 *
 * O1 Looking costs the same at any length of history, and nothing happens while nobody looks.
 * O2 What is slow to find is looked for now and then: the leader board every few seconds, dead letters every minute.
 * O3 Nothing waits long for the job queue: what it does not tell soon is as it was told last, or not known.
 */
import type { JobClassName } from "@turntable/bus";
import type { IntakeMode } from "../intake.ts";
import type { ScoreSpread } from "../miners/index.ts";
import type { ByClass } from "../submissions/index.ts";
import type { TaskReading } from "../tasks/index.ts";
import type { WeightAttempt, WeightsNews } from "../weights/index.ts";
import { isActiveWorker, type WorkerFacts } from "../workers.ts";
import { type Leader, type LeaderSources, rankMiners } from "./leaders.ts";
import { createMinutes, type Minute } from "./minutes.ts";
import { type Health, type Problem, problemsOf } from "./problems.ts";

/** Where it is looked for. */
export interface OverviewSources extends LeaderSources {
  readonly tasks: Pick<TaskReading, "countEnded" | "countOpen" | "oldestQueued">;
  /** How long submissions wait: see `oldestWaiting` and `meanWaits`. */
  readonly oldestWaiting: () => ByClass;
  readonly meanWaits: () => ByClass;
  /** Since when the oldest asset that a client brought has waited; undefined when none does. ms since 1970 UTC */
  readonly oldestScoring: () => number | undefined;
  readonly countPending: () => number;
  /** With so many without a verdict no task is lent. */
  readonly pendingLimit: number;
  readonly queue: {
    depth(): Promise<Readonly<Record<JobClassName, number>>>;
    countDeadLetters(): Promise<number>;
  };
  readonly workers: {
    list(): readonly WorkerFacts[];
    busyShare(id: string, now: number): number;
  };
  readonly scores: (now: number) => ScoreSpread;
  readonly validators: () => readonly Validator[];
  readonly dispatch: () => string | undefined;
  readonly intake: () => IntakeMode;
  readonly disk: () => Health["disk"];
  /** Places outside that cannot be reached, by name. */
  /** How many workers get no jobs, since their scores drifted. */
  readonly quarantined: () => number;
  readonly storageAway: () => readonly string[];
  /** Between two looks at the chain, in ms. */
  readonly chainEveryMs: number;
}

/** A validator hotkey of ours on a subnet. */
export interface Validator {
  readonly netuid: number;
  /** ss58 */
  readonly hotkey: string;
  /** As of the latest look; undefined when it is not registered. */
  readonly neuron:
    | { readonly uid: number; readonly stakeTao: number; readonly validatorPermit: boolean }
    | undefined;
  /** The block of the latest look at the chain; 0 before the first. */
  readonly block: number;
  /** How long ago that was, in ms; undefined before the first. */
  readonly readMs: number | undefined;
  readonly news: WeightsNews;
  readonly lastAttempt: WeightAttempt | undefined;
}

export interface Overview {
  /** ms since 1970 UTC */
  readonly at: number;
  readonly tasks: {
    readonly minutes: readonly Minute[];
    readonly open: ReturnType<TaskReading["countOpen"]>;
  };
  readonly queue: {
    /** In the order in which workers take them. */
    readonly classes: readonly QueueClass[];
    readonly oldestTaskMs: number;
    readonly isReachable: boolean;
  };
  readonly workers: readonly (WorkerFacts & { readonly busyShare: number })[];
  readonly leaders: readonly Leader[];
  /** How many miners are registered. */
  readonly registered: number;
  readonly scores: ScoreSpread;
  readonly validators: readonly Validator[];
  readonly problems: readonly Problem[];
}

export interface QueueClass {
  readonly jobClass: JobClassName;
  readonly jobs: number;
  /** 0 when nothing waits; ms. */
  readonly oldestMs: number;
  /** 0 when there were none; ms. */
  readonly meanMs: number;
}

export interface OverviewReader {
  /** @param now ms since 1970 UTC */
  take(now: number): Promise<Overview>;
  /** The board of the last few seconds. */
  leaders(now: number): readonly Leader[];
}

const slowMs = 5_000;
const deadLettersMs = 60_000;
/** A depth that is older is not known any more: the queue is away. */
const depthMs = 10_000;

export function createOverview(sources: OverviewSources): OverviewReader {
  const minutes = createMinutes(sources.tasks);
  const leaders = every(slowMs, (now) => rankMiners(sources, now));
  const meanWaits = every(slowMs, sources.meanWaits);
  const scores = every(slowMs, sources.scores);
  const validators = every(slowMs, sources.validators);
  const depth = createPolled(1, depthMs, sources.queue.depth);
  const deadLetters = createPolled(
    deadLettersMs,
    Number.POSITIVE_INFINITY,
    sources.queue.countDeadLetters,
  );

  const queueOf = async (now: number): Promise<Overview["queue"]> => {
    const jobs = await depth(now);
    const oldest = sources.oldestWaiting();
    const means = meanWaits(now);
    const oldestScoring = sources.oldestScoring();
    const taskAt = sources.tasks.oldestQueued();
    const since = (at: number | undefined): number =>
      at === undefined ? 0 : Math.max(0, now - at);
    const ofTasks = (jobClass: "organic" | "synthetic"): QueueClass => ({
      ...{ jobClass, jobs: jobs?.[jobClass] ?? 0 },
      oldestMs: since(oldest.get(jobClass)),
      meanMs: means.get(jobClass) ?? 0,
    });
    return {
      classes: [
        ofTasks("organic"),
        {
          ...{ jobClass: "scoring", jobs: jobs?.scoring ?? 0 },
          ...{ oldestMs: since(oldestScoring), meanMs: 0 },
        },
        ofTasks("synthetic"),
      ],
      oldestTaskMs: since(taskAt),
      isReachable: jobs !== undefined,
    };
  };

  return {
    leaders,
    async take(now) {
      const letters = await deadLetters(now);
      const queue = await queueOf(now);
      const workers = sources.workers
        .list()
        .map((worker) => ({ ...worker, busyShare: sources.workers.busyShare(worker.id, now) }));
      const registered = sources.miners().size;
      const found = validators(now);
      return {
        ...{ at: now, queue, workers, registered, validators: found },
        tasks: { minutes: minutes(now), open: sources.tasks.countOpen() },
        leaders: leaders(now),
        scores: scores(now),
        problems: problemsOf({
          dispatch: sources.dispatch(),
          intake: sources.intake(),
          disk: sources.disk(),
          workers: workers.map((worker) => ({ ...worker, isActive: isActiveWorker(worker, now) })),
          quarantined: sources.quarantined(),
          pending: {
            ...{ count: sources.countPending(), limit: sources.pendingLimit },
            oldestMs: Math.max(...queue.classes.map(({ oldestMs }) => oldestMs)),
          },
          oldestTaskMs: queue.oldestTaskMs,
          miners: registered,
          deadLetters: letters,
          storageAway: sources.storageAway(),
          validators: found.map(({ netuid, readMs, neuron, news }) => ({
            ...{ netuid, readMs, everyMs: sources.chainEveryMs },
            ...{ isRegistered: neuron !== undefined, barred: news.barred, nothing: news.nothing },
            ...{ lateBlocks: news.lateBlocks, foreign: news.foreign },
          })),
        }),
      };
    },
  };
}

/** What was found last, for some time (O2). */
function every<Found>(ms: number, find: (now: number) => Found): (now: number) => Found {
  let last: { readonly at: number; readonly found: Found } | undefined;
  return (now) => {
    if (last === undefined || now - last.at >= ms || now < last.at) {
      last = { at: now, found: find(now) };
    }
    return last.found;
  };
}

/** What was told last (O3), asked for again in the background; undefined when that is older than it may be. */
function createPolled<Told>(everyMs: number, maxAgeMs: number, ask: () => Promise<Told>) {
  let last: { readonly at: number; readonly told: Told } | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let asking: Promise<void> | undefined;
  return async (now: number): Promise<Told | undefined> => {
    if (asking === undefined && (now - askedAt >= everyMs || now < askedAt)) {
      askedAt = now;
      asking = ask()
        .then((told) => {
          last = { at: now, told };
        })
        .catch(() => undefined) // it is told as away then
        .finally(() => {
          asking = undefined;
        });
    }
    const isFresh = (): boolean => last !== undefined && now - last.at <= maxAgeMs;
    if (!isFresh() && asking !== undefined) {
      await Promise.race([asking, patience()]);
    }
    return isFresh() ? last?.told : undefined;
  };
}

const patienceMs = 1_000;

function patience(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, patienceMs).unref();
  });
}
