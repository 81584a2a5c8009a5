/**
 * Streams, consumers and the object bucket: one table, which the coordinator makes true whenever it connects, so that
 * a server that came back empty is set up again, and settings that were others are brought up to date. All consumers
 * exist before the first job does, and before an autoscaler looks at them. Workers change nothing here: they wait until
 * it is there, and read from it what they have to keep to. Callers make it where nobody has.
 */
import {
  AckPolicy,
  type ConsumerConfig,
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from "@nats-io/jetstream";
import { millis, nanos } from "@nats-io/transport-node";
import {
  assetsBucket,
  coordinatorDurable,
  deadLettersStream,
  deduplicationWindowMs,
  defaultJobQueueOptions,
  handBacksStream,
  type JobQueueOptions,
  jobClassNames,
  jobSubject,
  jobsStream,
  resultSubject,
  resultsStream,
  workersDurable,
} from "../contract.ts";
import { NatsServerError } from "./options.ts";

export interface TopologyOptions extends JobQueueOptions {
  /** Copies of each stream. */
  readonly replicas: number;
}

/** What workers have to keep to. */
export type QueueRules = Pick<JobQueueOptions, "ackWaitMs" | "maxDeliver">;

/** The stream that is the object bucket (NATS ADR-20). */
export const bucketStream = `OBJ_${assetsBucket}`;

/** What coordinators that stand by for each other share (state-log.ts). */
export const stateStream = "STATE";
export const stateEntrySubject = "turntable.state.v1";
export const stateFilesStream = "STATE_FILES";
/** `<prefix>.<name>.<part>`, the last part's name being `end`. */
export const stateFileSubject = "turntable.state-file.v1";
/** The stream that is the bucket `coordinator` of the key-value store (NATS ADR-8). */
export const leaseStream = "KV_coordinator";
export const leaseSubject = "$KV.coordinator.leader";

/** Pull requests that may wait at once, one for each worker process. Cannot be changed once the consumer exists. */
const maxWaiting = 4096;
/** How long it is remembered that a job was handed back: longer than any job waits for another try; ms. */
const handBackKeepMs = 24 * 60 * 60 * 1000;
/** Tells workers `maxDeliver`, which they count themselves; in the metadata of their consumers. */
const maxDeliverKey = "turntable-max-deliver";

type StreamWish = Pick<StreamConfig, "name" | "subjects" | "retention"> & Partial<StreamConfig>;
type ConsumerWish = Partial<ConsumerConfig> & { readonly durable_name: string };

/** The streams are not there yet; waiting helps. */
export class NotSetUpError extends Error {
  override name = "NotSetUpError";
  readonly code = "not-set-up";
}

/**
 * Makes the table true.
 * @throws NatsServerError when a stream of that name is something else
 */
export async function ensureTopology(
  manager: JetStreamManager,
  options: TopologyOptions,
): Promise<QueueRules> {
  for (const wish of streamWishes(options)) {
    await ensureStream(manager, wish);
  }
  for (const [stream, wish] of consumerWishes(options)) {
    await ensureConsumer(manager, stream, wish);
  }
  return options;
}

/** As `ensureTopology`, for coordinators that stand by for each other. */
export async function ensureStateStreams(
  manager: JetStreamManager,
  replicas: number,
): Promise<void> {
  for (const wish of stateWishes(replicas)) {
    await ensureStream(manager, wish);
  }
}

/** With the defaults of what is not given. */
export function topologyOf(options: Partial<TopologyOptions>): TopologyOptions {
  const { replicas = 1 } = options;
  const { ackWaitMs, maxDeliver, deadLetterKeepMs } = { ...defaultJobQueueOptions, ...options };
  return { ackWaitMs, maxDeliver, deadLetterKeepMs, replicas };
}

/** Makes the table true where there is nothing yet, and leaves alone what there is. */
export async function findOrMakeTopology(
  manager: JetStreamManager,
  options: TopologyOptions,
): Promise<QueueRules> {
  try {
    return await readRules(manager);
  } catch (error) {
    if (error instanceof NotSetUpError) {
      return await ensureTopology(manager, options);
    }
    throw error;
  }
}

/**
 * Looks whether the coordinator has set up what workers need.
 * @throws NotSetUpError
 */
export async function readRules(manager: JetStreamManager): Promise<QueueRules> {
  const infos = await Promise.all(
    jobClassNames.map((name) =>
      orMissing(manager.consumers.info(jobsStream, workersDurable(name))),
    ),
  );
  const [first] = infos;
  const maxDeliver = Number(first?.config.metadata?.[maxDeliverKey]);
  if (first === undefined || infos.includes(undefined) || !Number.isInteger(maxDeliver)) {
    throw new NotSetUpError("there are no streams for jobs yet: the coordinator makes them");
  }
  return { ackWaitMs: millis(first.config.ack_wait ?? 0), maxDeliver };
}

function streamWishes({ replicas, deadLetterKeepMs }: TopologyOptions): readonly StreamWish[] {
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
      max_age: nanos(deadLetterKeepMs),
      // No longer than the letters themselves.
      duplicate_window: nanos(Math.min(deduplicationWindowMs, deadLetterKeepMs)),
    },
    {
      ...common,
      name: handBacksStream,
      description: "how often workers gave a job back, which is no sign that it kills them",
      subjects: ["turntable.hand-back.v1.>"],
      retention: RetentionPolicy.Limits,
      max_msgs_per_subject: 1,
      max_age: nanos(handBackKeepMs),
      allow_direct: true,
    },
    {
      ...common,
      // As the client library would make the bucket (NATS ADR-20).
      name: bucketStream,
      description: "assets that are too large for a message",
      subjects: [`$O.${assetsBucket}.C.>`, `$O.${assetsBucket}.M.>`],
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.New,
      allow_rollup_hdrs: true,
      allow_direct: true,
    },
  ];
}

function stateWishes(replicas: number): readonly StreamWish[] {
  const common = {
    storage: StorageType.File,
    num_replicas: replicas,
    retention: RetentionPolicy.Limits,
    allow_direct: true,
  };
  return [
    {
      ...common,
      name: stateStream,
      description: "what changed in the coordinator's database since its last copy",
      subjects: [stateEntrySubject],
    },
    {
      ...common,
      name: stateFilesStream,
      description: "copies of the coordinator's database, and its assets",
      subjects: [`${stateFileSubject}.>`],
      max_msgs_per_subject: 1,
    },
    {
      ...common,
      // As the client library would make the bucket (NATS ADR-8).
      name: leaseStream,
      description: "which coordinator leads",
      subjects: ["$KV.coordinator.>"],
      max_msgs_per_subject: 1,
      discard: DiscardPolicy.New,
      allow_rollup_hdrs: true,
      deny_delete: true,
    },
  ];
}

function consumerWishes({
  ackWaitMs,
  maxDeliver,
}: TopologyOptions): readonly (readonly [string, ConsumerWish])[] {
  const common = {
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ackWaitMs),
    // The worker side counts the deliveries itself (dead-letters.ts): an advisory of the server could be missed.
    max_deliver: -1,
    max_ack_pending: -1,
    max_waiting: maxWaiting,
    // As many copies as the stream has, also when that changes.
    num_replicas: 0,
  };
  return [
    ...jobClassNames.map((jobClass) => {
      const filter = jobSubject(jobClass, ">");
      const durable = workersDurable(jobClass);
      const metadata = { [maxDeliverKey]: String(maxDeliver) };
      return [
        jobsStream,
        { ...common, durable_name: durable, filter_subject: filter, metadata },
      ] as const;
    }),
    [resultsStream, { ...common, durable_name: coordinatorDurable }],
  ];
}

/** What a stream keeps for its life, with the words that its options have for people. */
const unchangeable = ["retention", "storage"] as const;

async function ensureStream(manager: JetStreamManager, wish: StreamWish): Promise<void> {
  const existing = await orMissing(manager.streams.info(wish.name));
  if (existing === undefined) {
    await manager.streams.add(wish);
    return;
  }
  for (const key of unchangeable) {
    if (existing.config[key] !== wish[key]) {
      throw new NatsServerError(
        `the stream ${wish.name} on this NATS has the ${key} "${existing.config[key]}", which cannot be changed, and ` +
          `"${wish[key]}" is needed: something else made it. Use another account for Turntable, or remove the stream ` +
          `once it is empty (nats stream rm ${wish.name}); it is made again.`,
      );
    }
  }
  if (differs(existing.config, wish)) {
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

export async function orMissing<Found>(lookup: Promise<Found>): Promise<Found | undefined> {
  try {
    return await lookup;
  } catch (error) {
    if (isMissing(error)) {
      return undefined;
    }
    throw error;
  }
}

/** Whether it says that a stream or consumer is not there. */
export function isMissing(error: unknown): boolean {
  const { StreamNotFound, ConsumerNotFound } = JetStreamApiCodes;
  return (
    error instanceof JetStreamApiError &&
    (error.code === StreamNotFound || error.code === ConsumerNotFound)
  );
}

/** Whether any of the values wished for is another; the server adds many that we leave to it, metadata too. */
function differs(actual: object, wish: object): boolean {
  const actualValues = new Map<string, unknown>(Object.entries(actual));
  return Object.entries(wish).some(([key, value]) => {
    const found = actualValues.get(key);
    return key === "metadata"
      ? differs(typeof found === "object" && found !== null ? found : {}, value)
      : JSON.stringify(found) !== JSON.stringify(value);
  });
}
