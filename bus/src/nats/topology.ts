/**
 * Streams, consumers and the object bucket. Whoever connects ensures all of them, so the order in which processes
 * start does not matter, and a server that came back empty is set up again.
 */
import {
  AckPolicy,
  type ConsumerConfig,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { Objm } from "@nats-io/obj";
import { type NatsConnection, nanos } from "@nats-io/transport-node";
import {
  assetsBucket,
  coordinatorDurable,
  deadLettersStream,
  deduplicationWindowMs,
  jobClassNames,
  jobSubject,
  jobsStream,
  resultSubject,
  resultsStream,
  workersDurable,
} from "../contract.ts";

export interface TopologyOptions {
  readonly ackWaitMs: number;
  readonly replicas: number;
}

/** Pull requests that may wait at once, one for each worker process. Cannot be changed once the consumer exists. */
const maxWaiting = 4096;

type StreamWish = Pick<StreamConfig, "name" | "subjects" | "retention"> & Partial<StreamConfig>;
type ConsumerWish = Partial<ConsumerConfig> & { readonly durable_name: string };

export async function ensureTopology(
  connection: NatsConnection,
  manager: JetStreamManager,
  options: TopologyOptions,
): Promise<void> {
  for (const wish of streamWishes(options.replicas)) {
    await ensureStream(manager, wish);
  }
  for (const [stream, wish] of consumerWishes(options.ackWaitMs)) {
    await ensureConsumer(manager, stream, wish);
  }
  await new Objm(connection).create(assetsBucket, {
    description: "assets that are too large for a message",
    storage: StorageType.File,
    replicas: options.replicas,
  });
}

function streamWishes(replicas: number): readonly StreamWish[] {
  const common = { storage: StorageType.File, num_replicas: replicas };
  return [
    {
      ...common,
      name: jobsStream,
      description: "jobs until they are done",
      subjects: ["turntable.job.v1.>"],
      retention: RetentionPolicy.Workqueue,
      duplicate_window: nanos(deduplicationWindowMs),
    },
    {
      ...common,
      name: resultsStream,
      description: "results until the coordinator has applied them",
      subjects: [resultSubject],
      // Those that were acked are removed by the coordinator (result-trimmer.ts).
      retention: RetentionPolicy.Limits,
      duplicate_window: nanos(deduplicationWindowMs),
    },
    {
      ...common,
      name: deadLettersStream,
      description: "jobs that were given up",
      subjects: ["turntable.dead-letter.v1.>"],
      retention: RetentionPolicy.Limits,
      // Burying a job twice leaves one letter.
      max_msgs_per_subject: 1,
    },
  ];
}

function consumerWishes(ackWaitMs: number): readonly (readonly [string, ConsumerWish])[] {
  const common = {
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ackWaitMs),
    // The worker side counts the deliveries itself (dead-letters.ts): an advisory of the server could be missed.
    max_deliver: -1,
    max_ack_pending: -1,
    max_waiting: maxWaiting,
  };
  return [
    ...jobClassNames.map((jobClass) => {
      const filter = jobSubject(jobClass, ">");
      const durable = workersDurable(jobClass);
      return [jobsStream, { ...common, durable_name: durable, filter_subject: filter }] as const;
    }),
    [resultsStream, { ...common, durable_name: coordinatorDurable }],
  ];
}

async function ensureStream(manager: JetStreamManager, wish: StreamWish): Promise<void> {
  const existing = await orMissing(manager.streams.info(wish.name));
  if (existing === undefined) {
    await manager.streams.add(wish);
  } else if (differs(existing.config, wish)) {
    await manager.streams.update(wish.name, wish);
  }
}

async function ensureConsumer(
  manager: JetStreamManager,
  stream: string,
  wish: ConsumerWish,
): Promise<void> {
  const existing = await orMissing(manager.consumers.info(stream, wish.durable_name));
  if (existing === undefined) {
    await manager.consumers.add(stream, wish);
    return;
  }
  const { max_waiting: _, ...changeable } = wish;
  if (differs(existing.config, changeable)) {
    await manager.consumers.update(stream, wish.durable_name, changeable);
  }
}

async function orMissing<Found>(lookup: Promise<Found>): Promise<Found | undefined> {
  try {
    return await lookup;
  } catch (error) {
    const { StreamNotFound, ConsumerNotFound } = JetStreamApiCodes;
    if (
      error instanceof JetStreamApiError &&
      (error.code === StreamNotFound || error.code === ConsumerNotFound)
    ) {
      return undefined;
    }
    throw error;
  }
}

/** Whether any of the values wished for is another; the server adds many that we leave to it. */
function differs(actual: object, wish: object): boolean {
  const actualValues = new Map(Object.entries(actual));
  return Object.entries(wish).some(
    ([key, value]) => JSON.stringify(actualValues.get(key)) !== JSON.stringify(value),
  );
}
