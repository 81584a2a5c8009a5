/** The coordinator's side of the job queue over NATS. */
import type { Msg } from "@nats-io/transport-node";
import { context } from "@opentelemetry/api";
import type { RenderScoreResult } from "@turntable/proto";
import {
  type JobQueue,
  jobClassNames,
  jobsStream,
  QueueUnavailableError,
  type ResultDelivery,
  shutdownGraceMs,
  workersDurable,
} from "../contract.ts";
import { dispatchId } from "../job-identity.ts";
import { defaultSweepOptions, sweepAssets } from "./asset-sweep.ts";
import { type AssetStore, createAssetStore } from "./assets.ts";
import { countDeadLetters, listDeadLetters, replayDeadLetters } from "./dead-letters.ts";
import { ack, nak, parseDelivery, term } from "./jetstream.ts";
import { type NatsLink, openLink } from "./link.ts";
import { assetObjectOf, decodeResult, isLeftover, jobHeaders, traceOf } from "./messages.ts";
import type { NatsQueueOptions } from "./options.ts";
import { type PublishedJob, publishJob } from "./publish-job.ts";
import { createQueuedJobs, type QueuedJobs } from "./queued-jobs.ts";
import { pullResults } from "./result-pull.ts";
import { createResultTrimmer, type ResultTrimmer } from "./result-trimmer.ts";
import { ensureTopology, topologyOf } from "./topology.ts";
import { settledWithin, track } from "./waiting.ts";
import { listWorkers, setDraining } from "./workers.ts";

/** @throws as openLink */
export async function connectJobQueue(options: NatsQueueOptions): Promise<JobQueue> {
  const topology = topologyOf(options);
  const link = await openLink({
    ...{ name: "turntable-coordinator", ...options },
    role: "coordinator",
    prepare: (manager) => ensureTopology(manager, topology),
  });
  const assets = createAssetStore(link);
  const queued = createQueuedJobs(link, assets);
  const trimmer = createResultTrimmer(link);
  const closing = new AbortController();
  const sweepOptions = { ...defaultSweepOptions, ...options.sweep };
  const sweeping = sweepAssets(link, assets, sweepOptions, closing.signal);
  const submissions = new Set<Promise<PublishedJob>>();
  /** Results that are being applied. */
  const deliveries = new Set<Promise<void>>();

  return {
    async submit(job, { dispatch = 0 } = {}) {
      if (closing.signal.aborted) {
        throw new QueueUnavailableError("the queue is shut down");
      }
      const id = dispatchId(job, dispatch);
      const headers = jobHeaders(id, context.active()); // Q9
      const published = await track(submissions, publishJob(link, assets, job, id, headers));
      queued.add(job, id, published);
    },
    withdraw: (jobId) => queued.withdraw(jobId),
    async *results(signal) {
      const until = signal === undefined ? [] : [signal];
      for await (const message of pullResults(link, AbortSignal.any([closing.signal, ...until]))) {
        const settled = Promise.withResolvers<void>();
        const parts = { link, assets, queued, trimmer, message };
        const delivery = openResult({ ...parts, onSettled: settled.resolve });
        if (delivery !== undefined) {
          void track(deliveries, settled.promise);
          yield delivery;
        }
      }
    },
    countDeadLetters: () => countDeadLetters(link),
    listDeadLetters: () => listDeadLetters(link),
    replayDeadLetter: async (jobId) => (await replayDeadLetters(link, assets, jobId)) > 0,
    async incarnation() {
      const { created, state } = await link.run(() => link.manager.streams.info(jobsStream));
      if (state.consumer_count < jobClassNames.length) {
        link.setUpAgain(); // workers wait for those, and cannot make them
      }
      return String(created);
    },
    async depth() {
      const [organic, scoring, synthetic] = await Promise.all(
        jobClassNames.map((name) => link.run(() => consumerDepth(link, workersDurable(name)))),
      );
      return { organic: organic ?? 0, scoring: scoring ?? 0, synthetic: synthetic ?? 0 };
    },
    workers: () => listWorkers(link),
    setDraining: (workerId, draining) => setDraining(link, workerId, draining),
    async [Symbol.asyncDispose]() {
      closing.abort();
      await Promise.allSettled(submissions);
      await sweeping;
      await settledWithin(shutdownGraceMs, deliveries);
      await trimmer[Symbol.asyncDispose]();
      await link.close();
    },
  };
}

/** So many messages wait or are in work: what the autoscaler looks at, too. */
async function consumerDepth({ manager }: NatsLink, durable: string): Promise<number> {
  const info = await manager.consumers.info(jobsStream, durable);
  return info.num_pending + info.num_ack_pending;
}

interface ReceivedResult {
  readonly link: NatsLink;
  readonly assets: AssetStore;
  readonly queued: QueuedJobs;
  readonly trimmer: ResultTrimmer;
  readonly message: Msg;
  readonly onSettled: () => void;
}

/** Undefined for a message that is no result: it is dropped, and the object that it may tell of removed. */
function openResult(received: ReceivedResult): ResultDelivery | undefined {
  const { link, assets, queued, trimmer, message, onSettled } = received;
  const { ackSubject } = parseDelivery(message);
  if (isLeftover(message)) {
    void removeLeftover(received, ackSubject);
    return undefined;
  }
  let result: RenderScoreResult;
  try {
    result = decodeResult(message.data);
  } catch (error) {
    link.report("a message among the results is none and was dropped", error);
    link.send(ackSubject, term("not a result"));
    return undefined;
  }
  // From then on it is given again, and another delivery's to settle.
  const expiry = setTimeout(onSettled, link.rules().ackWaitMs).unref();
  const settle = (answer: string) => {
    clearTimeout(expiry);
    link.send(ackSubject, answer);
    onSettled();
  };
  return {
    result,
    trace: traceOf(message),
    async ack() {
      const object = assetObjectOf(message);
      if (object !== undefined) {
        // Before the ack: were it the other way round, a crash between the two would leave it for ever (Q7).
        await assets.remove(object);
      }
      queued.done(result.jobId);
      settle(ack);
      trimmer.onAck();
    },
    async nak(delayMs) {
      settle(nak(delayMs));
    },
  };
}

/** A job was done twice, and nobody will name the object of the second one again (Q7). */
async function removeLeftover(
  { link, assets, trimmer, message }: ReceivedResult,
  ackSubject: string,
): Promise<void> {
  try {
    await assets.remove(assetObjectOf(message) ?? "");
    link.send(ackSubject, ack);
    trimmer.onAck();
  } catch (error) {
    // It comes again after the ack wait.
    link.report("an asset that nobody needs could not be removed yet", error);
  }
}
