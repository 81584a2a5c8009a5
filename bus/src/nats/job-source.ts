/** The worker's side of the job queue over NATS. */
import type { Msg } from "@nats-io/transport-node";
import type { RenderScoreJob } from "@turntable/proto";
import {
  defaultJobQueueOptions,
  type JobSource,
  jobClassNames,
  type TakenJob,
  workersDurable,
} from "../contract.ts";
import { type AssetStore, createAssetStore } from "./assets.ts";
import { bury } from "./dead-letters.ts";
import { createDoorbells } from "./doorbells.ts";
import { type Delivery, nak, term } from "./jetstream.ts";
import { type NatsLink, openLink } from "./link.ts";
import { decodeJob, oneLine } from "./messages.ts";
import type { NatsOptions } from "./options.ts";
import { createJobPuller, type JobPuller } from "./pull.ts";
import { createTakenJob } from "./taken-job.ts";
import { pause, track } from "./waiting.ts";
import { startWorkerService, type WorkerStatistics } from "./worker-service.ts";

export interface JobSourceOptions extends NatsOptions {
  /** Who takes the jobs: in results of jobs given up, in the service's metadata. */
  readonly workerId: string;
  /** Semantic version of the worker program, which its NATS service shows. */
  readonly version?: string;
}

/** In the order in which they are asked (Q4). */
const durables = jobClassNames.map(workersDurable);
/**
 * All free workers hear the bell that tells of a new job, and one of them gets it. The others pause before they look
 * again, so that they don't all ask at once for ever: for a random part of this many ms, doubled with each race that
 * was lost in a row, up to the longest.
 */
const firstRaceDelayMs = 1;
const longestRaceDelayMs = 250;

interface Source {
  readonly link: NatsLink;
  readonly assets: AssetStore;
  readonly puller: JobPuller;
  readonly statistics: WorkerStatistics;
  readonly workerId: string;
  readonly maxDeliver: number;
  readonly inWork: Set<Promise<void>>;
}

/** @throws as openLink */
export async function connectJobSource(options: JobSourceOptions): Promise<JobSource> {
  const { workerId, maxDeliver = defaultJobQueueOptions.maxDeliver } = options;
  const link = await openLink({ name: `turntable-worker ${workerId}`, ...options });
  const source: Source = {
    link,
    assets: createAssetStore(link),
    puller: createJobPuller(link),
    statistics: await startWorkerService(link, workerId, options.version ?? "0.0.0"),
    workerId,
    maxDeliver,
    inWork: new Set(),
  };
  const doorbells = createDoorbells(link, durables, source.puller.expect);
  const closing = new AbortController();
  const takes = new Set<Promise<TakenJob | undefined>>();

  return {
    take: (signal) => track(takes, take(signal)),
    async [Symbol.asyncDispose]() {
      closing.abort();
      await Promise.allSettled(takes);
      await Promise.all(source.inWork);
      await link.close();
    },
  };

  async function take(signal: AbortSignal): Promise<TakenJob | undefined> {
    const isOver = () => signal.aborted || closing.signal.aborted;
    let either: AbortSignal | undefined;
    // Made only when there is something to wait for.
    const overSignal = () => {
      either ??= AbortSignal.any([signal, closing.signal]);
      return either;
    };
    for (let racesLost = 0; !isOver(); racesLost += 1) {
      if (!link.isUp() && !(await link.whenUp(overSignal()))) {
        break;
      }
      for (const durable of durables) {
        const taken = await takeFrom(source, durable, isOver);
        if (taken !== undefined || isOver()) {
          return taken;
        }
      }
      if (racesLost > 1) {
        const full = Math.min(longestRaceDelayMs, firstRaceDelayMs * 2 ** racesLost);
        await pause(Math.random() * full, overSignal());
      }
      const waitingSinceMs = performance.now();
      await doorbells.rung(overSignal());
      if (performance.now() - waitingSinceMs > longestRaceDelayMs) {
        racesLost = 0;
      }
    }
    return undefined;
  }
}

/** The next job of a durable that is worth a try, if there is one now. */
async function takeFrom(
  source: Source,
  durable: string,
  isOver: () => boolean,
): Promise<TakenJob | undefined> {
  while (!isOver()) {
    const pulled = await source.puller.pull(durable);
    if (pulled === undefined) {
      return undefined;
    }
    const { message, delivery } = pulled;
    if (isOver()) {
      source.link.send(delivery.ackSubject, nak(0));
      return undefined;
    }
    const job = decode(message);
    if (job !== undefined && delivery.count <= source.maxDeliver) {
      return taken(source, message, delivery, job);
    }
    await giveUp(source, message, delivery, job);
  }
  return undefined;
}

function taken(source: Source, message: Msg, delivery: Delivery, job: RenderScoreJob): TakenJob {
  const { link, assets, workerId, statistics, inWork } = source;
  const settled = Promise.withResolvers<void>();
  inWork.add(settled.promise);
  statistics.count("taken");
  return createTakenJob({
    link,
    assets,
    message,
    delivery,
    job,
    workerId,
    onEnd(ending) {
      statistics.count(ending);
      inWork.delete(settled.promise);
      settled.resolve();
    },
  });
}

/** A job that was tried too often, or a message that is none: to the dead letters (Q6). */
async function giveUp(
  source: Source,
  message: Msg,
  delivery: Delivery,
  job: RenderScoreJob | undefined,
): Promise<void> {
  const { link, workerId } = source;
  const attempts = delivery.count - 1;
  const reason =
    job === undefined ? "the message is not a job" : `given out ${attempts} times without a result`;
  try {
    await bury(link, { message, delivery, job, attempts, reason, workerId });
    source.statistics.count("buried");
    await link.request(delivery.ackSubject, term(oneLine(reason)));
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
