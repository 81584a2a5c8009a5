/** The worker's side of the job queue over NATS. */
import type { Msg } from "@nats-io/transport-node";
import { FaultCause, type RenderScoreJob } from "@turntable/proto";
import {
  type JobClassName,
  type JobSource,
  jobClassNames,
  jobsStream,
  maxSilences,
  type TakenJob,
  type TakeOptions,
  workersDurable,
} from "../contract.ts";
import { createDrainSwitch } from "../drain.ts";
import { type AssetStore, createAssetStore } from "./assets.ts";
import { bury } from "./dead-letters.ts";
import { createDoorbells } from "./doorbells.ts";
import { type HandBacks, noteHandBack, readHandBacks, silences, tryOf } from "./hand-backs.ts";
import { type Delivery, nak, term } from "./jetstream.ts";
import { type NatsLink, openLink } from "./link.ts";
import { decodeJob, messageIdOf, oneLine } from "./messages.ts";
import type { NatsOptions } from "./options.ts";
import { createJobPuller, type JobPuller, type PulledMessage } from "./pull.ts";
import { createTakenJob } from "./taken-job.ts";
import { type QueueRules, readRules } from "./topology.ts";
import { pause, track } from "./waiting.ts";
import { startWorkerService, type WorkerStatistics } from "./worker-service.ts";

export interface JobSourceOptions extends NatsOptions {
  /** Who takes the jobs: in results of jobs given up, in the service's metadata. */
  readonly workerId: string;
  /** What it takes; every class when absent. */
  readonly jobClasses?: readonly JobClassName[] | undefined;
  /** Semantic version of the worker program, which its NATS service shows. */
  readonly version?: string;
  /** The coordinator has drained the worker, or resumed it (Q11). */
  readonly onDraining?: (draining: boolean) => void;
}

/**
 * All free workers hear the bell that tells of a new job, and one of them gets it. The others pause before they look
 * again, so that they don't all ask at once for ever: for a random part of this many ms, doubled with each race that
 * was lost in a row, up to the longest.
 */
const firstRaceDelayMs = 1;
const longestRaceDelayMs = 250;
/** Most jobs are synthetic: a request that waits there is of a worker that listens, and not left from an earlier wait. */
const busiestDurable = workersDurable("synthetic");
/** A job that comes is for a worker that is free: one that has work, or may not take it, looks so many ms later. */
const yieldMs = 50;
/**
 * What a job costs grows with the workers that hear of it: when about so many listen, others stand by, and only look from
 * time to time whether there is a job for them, or a place among those who listen. Half of the places are kept for workers
 * that are free. In ms.
 */
const mostListeners = 32;
const shortestStandbyMs = 2_000;
const longestStandbyMs = 5_000;
/** Whether there is a place costs the server three times as much as whether there is a job: asked so much less often. */
const looksPerCount = 4;

interface Source {
  readonly link: NatsLink;
  readonly assets: AssetStore;
  readonly puller: JobPuller;
  readonly statistics: WorkerStatistics;
  readonly workerId: string;
  readonly inWork: Set<Promise<void>>;
  /** Until then a job comes again that excludes this worker; others have the first chance. `performance.now()`, ms. */
  yieldsUntilMs: number;
}

/** @throws as openLink */
export async function connectJobSource(options: JobSourceOptions): Promise<JobSource> {
  const { workerId, jobClasses = jobClassNames } = options;
  // In the order in which they are asked (Q4).
  const durables = jobClassNames.filter((name) => jobClasses.includes(name)).map(workersDurable);
  const link = await openLink({
    ...{ name: `turntable-worker ${workerId}`, ...options },
    role: "worker",
    prepare: readRules,
  });
  const drain = createDrainSwitch(options.onDraining);
  const version = options.version ?? "0.0.0";
  const source: Source = {
    link,
    assets: createAssetStore(link),
    puller: createJobPuller(link),
    statistics: await startWorkerService(link, { workerId, version, drain }),
    workerId,
    inWork: new Set(),
    yieldsUntilMs: 0,
  };
  const doorbells = createDoorbells(link, durables, source.puller.expect);
  const closing = new AbortController();
  const takes = new Set<Promise<TakenJob | undefined>>();

  return {
    take: (signal, options) => track(takes, take(signal, options)),
    async [Symbol.asyncDispose]() {
      closing.abort();
      await Promise.allSettled(takes);
      await Promise.all(source.inWork);
      await link.close();
    },
  };

  async function take(
    signal: AbortSignal,
    { busyUntil }: TakeOptions = {},
  ): Promise<TakenJob | undefined> {
    source.statistics.asks();
    const isOver = () => signal.aborted || closing.signal.aborted;
    const takesNone = () => isOver() || drain.isOn();
    let either: AbortSignal | undefined;
    // Made only when there is something to wait for.
    const overSignal = () => {
      either ??= AbortSignal.any([signal, closing.signal]);
      return either;
    };
    /** Looks since it began to stand by; 0 when it does not. */
    let looks = 0;
    for (let racesLost = 0; !isOver(); racesLost += 1) {
      if (!link.isUp() && !(await link.whenUp(overSignal()))) {
        break;
      }
      if (drain.isOn()) {
        await drain.whenOff(overSignal());
      }
      if (busyUntil?.aborted === false) {
        await pause(yieldMs, AbortSignal.any([overSignal(), busyUntil]));
      } else if (performance.now() < source.yieldsUntilMs) {
        await pause(yieldMs, overSignal());
      }
      for (const durable of durables) {
        const surely = durable !== durables.at(-1);
        const taken = await takeFrom(source, { durable, surely }, takesNone);
        if (taken !== undefined || isOver()) {
          return taken;
        }
      }
      if (drain.isOn()) {
        continue;
      }
      if (racesLost > 1) {
        const full = Math.min(longestRaceDelayMs, firstRaceDelayMs * 2 ** racesLost);
        await pause(Math.random() * full, overSignal());
      }
      const waitingSinceMs = performance.now();
      const isBusy = busyUntil?.aborted === false;
      const most = isBusy ? mostListeners / 2 : mostListeners;
      const isCounted = looks % looksPerCount === 0;
      if (isCounted && (await countListeners(link, durables)) < most) {
        looks = 0;
        await doorbells.rung(overSignal());
      } else {
        looks += 1;
        const spreadMs = longestStandbyMs - shortestStandbyMs;
        const standby = isBusy ? AbortSignal.any([overSignal(), busyUntil]) : overSignal();
        await pause(shortestStandbyMs + Math.random() * spreadMs, standby);
        if (isBusy && busyUntil.aborted) {
          looks = 0; // it may have the place of one that is free
        }
      }
      if (performance.now() - waitingSinceMs > longestRaceDelayMs) {
        racesLost = 0;
      }
    }
    return undefined;
  }
}

/** How many workers hear of a new job; 0 when that is not known. */
async function countListeners(link: NatsLink, durables: readonly string[]): Promise<number> {
  const asked = durables.includes(busiestDurable) ? busiestDurable : durables[0];
  if (asked === undefined) {
    return 0;
  }
  try {
    const info = await link.run(() => link.manager.consumers.info(jobsStream, asked));
    return info.num_waiting;
  } catch {
    return 0;
  }
}

/** The next job of a durable that is worth a try, if there is one now. */
async function takeFrom(
  source: Source,
  { durable, surely }: { readonly durable: string; readonly surely: boolean },
  takesNone: () => boolean,
): Promise<TakenJob | undefined> {
  while (!takesNone()) {
    const pulled = await source.puller.pull(durable, surely);
    if (pulled === undefined) {
      return undefined;
    }
    const taken = await weigh(source, pulled, takesNone);
    if (taken !== undefined) {
      return taken;
    }
  }
  return undefined;
}

/** What becomes of a message: a job in work, or nothing of ours any more. */
async function weigh(
  source: Source,
  pulled: PulledMessage,
  takesNone: () => boolean,
): Promise<TakenJob | undefined> {
  const { link, workerId } = source;
  const { message, delivery } = pulled;
  const job = decode(message);
  const id = messageIdOf(message);
  let earlier: HandBacks;
  try {
    earlier = await readHandBacks(link, id, delivery);
  } catch (error) {
    // It comes again after the ack wait.
    link.report("how often a job was handed back could not be read", error);
    return undefined;
  }
  if (takesNone()) {
    await noteHandBack(link, id, { ...earlier, unbegun: earlier.unbegun + 1 });
    link.send(delivery.ackSubject, nak(0));
    return undefined;
  }
  const why = whyGivenUp(job, delivery, earlier, link.rules());
  if (why !== undefined || job === undefined) {
    await giveUp(source, pulled, job, why ?? unreadable);
    return undefined;
  }
  if (job.excludedWorkerIds.includes(workerId)) {
    // Q10
    const turnedAway = earlier.turnedAway + 1;
    await noteHandBack(link, id, { ...earlier, turnedAway });
    const delayMs = turnAwayDelayMs(turnedAway);
    link.send(delivery.ackSubject, nak(delayMs));
    source.yieldsUntilMs = Math.max(source.yieldsUntilMs, performance.now() + delayMs + yieldMs);
    return undefined;
  }
  return taken(source, pulled, earlier, job);
}

interface GivingUp {
  readonly reason: string;
  readonly cause: FaultCause;
  readonly attempts: number;
}

const unreadable: GivingUp = {
  ...{ reason: "the message is not a job", cause: FaultCause.UNREADABLE, attempts: 0 },
};

/** Undefined when it is worth a try (Q6, Q10). */
function whyGivenUp(
  job: RenderScoreJob | undefined,
  delivery: Delivery,
  earlier: HandBacks,
  { maxDeliver }: QueueRules,
): GivingUp | undefined {
  if (job === undefined) {
    return unreadable;
  }
  const attempts = tryOf(delivery, earlier) - 1;
  const silent = silences(delivery, earlier);
  if (attempts >= maxDeliver) {
    const reason = `given out ${attempts} times without a result`;
    return { attempts, reason, cause: FaultCause.TRIES };
  }
  if (silent >= maxSilences) {
    const reason = `${silent} workers fell silent with it: it may be what killed them`;
    return { attempts, reason, cause: FaultCause.SILENCE };
  }
  if (earlier.turnedAway >= maxTurnedAway) {
    const reason = "no other worker was free for it";
    return { attempts, reason, cause: FaultCause.NOBODY_ELSE };
  }
  return undefined;
}

/** Grows to some seconds, so that a job for others costs the one that is free little; about four minutes in all. */
const maxTurnedAway = 30;
const firstTurnAwayMs = 100;
const longestTurnAwayMs = 10_000;

function turnAwayDelayMs(turnedAway: number): number {
  const full = Math.min(longestTurnAwayMs, firstTurnAwayMs * 2 ** turnedAway);
  return full / 2 + Math.random() * (full / 2);
}

function taken(
  source: Source,
  { message, delivery }: PulledMessage,
  earlier: HandBacks,
  job: RenderScoreJob,
): TakenJob {
  const { link, assets, workerId, statistics, inWork } = source;
  const settled = Promise.withResolvers<void>();
  inWork.add(settled.promise);
  statistics.count("taken");
  return createTakenJob({
    ...{ link, assets, message, delivery, earlier, job, workerId },
    onEnd(ending) {
      statistics.count(ending);
      inWork.delete(settled.promise);
      settled.resolve();
    },
  });
}

/** A job that is not worth a try any more: to the dead letters (Q6). */
async function giveUp(
  source: Source,
  { message, delivery }: PulledMessage,
  job: RenderScoreJob | undefined,
  why: GivingUp,
): Promise<void> {
  const { link, workerId } = source;
  try {
    await bury(link, { message, delivery, job, workerId, ...why });
    source.statistics.count("buried");
    await link.request(delivery.ackSubject, term(oneLine(why.reason)));
  } catch (error) {
    // It comes again after the ack wait.
    link.report(`job ${job?.jobId ?? "unreadable"} could not be moved to the dead letters`, error);
  }
}

function decode(message: Msg): RenderScoreJob | undefined {
  try {
    return decodeJob(message.data);
  } catch {
    return undefined;
  }
}
