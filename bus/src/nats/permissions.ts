/**
 * What each role may do on the server, and nothing else: from the same names that the code uses, so that the two
 * cannot part. `npm run generate` writes it to `k8s/nats/permissions.conf`, which a server's configuration includes.
 *
 * R1 Only the coordinator reads results and dead letters, and makes, changes or empties streams. Only it reads and
 *    writes the state that coordinators share, and the lease that says which of them leads.
 * R2 Workers publish no jobs. They take them, say what came of them, and read large assets.
 * R3 Inboxes have a prefix for each role, on which only that role listens: a job, an asset or a result that is sent to
 *    one is nobody else's to read.
 * R4 Monitoring changes nothing, and sees no message of any stream.
 */
import {
  assetsBucket,
  coordinatorDurable,
  deadLettersStream,
  handBacksStream,
  jobClassNames,
  jobsStream,
  resultSubject,
  resultsStream,
  workersDurable,
} from "../contract.ts";
import { directGetSubject, nextSubject } from "./jetstream.ts";
import { inboxPrefixOf, type NatsRole } from "./options.ts";
import {
  bucketStream,
  leaseStream,
  leaseSubject,
  stateEntrySubject,
  stateFileSubject,
  stateFilesStream,
  stateStream,
} from "./topology.ts";

export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** May answer whoever asks it, once, which the services API does. */
  readonly answers: boolean;
}

const api = (...parts: readonly string[]): string => ["$JS.API", ...parts].join(".");
/** Newer servers may put a domain and an account before the stream. */
const acks = (stream: string, durable: string): readonly string[] => [
  `$JS.ACK.${stream}.${durable}.>`,
  `$JS.ACK.*.*.${stream}.${durable}.>`,
];
const inbox = (role: NatsRole): string => `${inboxPrefixOf(role)}.>`;
const streams = [jobsStream, resultsStream, deadLettersStream, handBacksStream, bucketStream];
const stateStreams = [stateStream, stateFilesStream, leaseStream];
const durables = jobClassNames.map(workersDurable);
const discovery = ["PING", "INFO", "STATS"].flatMap((verb) => [`$SRV.${verb}`, `$SRV.${verb}.>`]);
/** The client library asks whether JetStream is there before it opens a bucket. */
const openBucket = api("INFO");
const readObjects = [openBucket, api("STREAM.MSG.GET", bucketStream)];
const findWorkersDurables = durables.map((durable) => api("CONSUMER.INFO", jobsStream, durable));

export const permissions: Readonly<Record<NatsRole | "monitoring", Permissions>> = {
  coordinator: {
    publish: [
      ...streams.flatMap((stream) =>
        ["STREAM.INFO", "STREAM.CREATE", "STREAM.UPDATE", "STREAM.PURGE"].map((verb) =>
          api(verb, stream),
        ),
      ),
      ...streams.flatMap((stream) =>
        ["STREAM.MSG.GET", "STREAM.MSG.DELETE"].map((verb) => api(verb, stream)),
      ),
      ...streams.flatMap((stream) => [
        api("CONSUMER.CREATE", stream, ">"),
        api("CONSUMER.DURABLE.CREATE", stream, ">"),
        api("CONSUMER.INFO", stream, "*"),
        api("CONSUMER.DELETE", stream, "*"),
      ]),
      nextSubject(resultsStream, coordinatorDurable),
      // Consumers that last as long as a listing does.
      nextSubject(deadLettersStream, "*"),
      nextSubject(resultsStream, "*"),
      ...acks(resultsStream, coordinatorDurable),
      `$JS.ACK.${deadLettersStream}.>`,
      "turntable.job.v1.>",
      // That a job was withdrawn.
      "turntable.hand-back.v1.>",
      openBucket,
      `$O.${assetsBucket}.>`,
      `$JS.FC.${bucketStream}.>`,
      ...discovery,
      "turntable.worker.v1.>",
      ...stateStreams.flatMap((stream) =>
        ["STREAM.INFO", "STREAM.CREATE", "STREAM.UPDATE", "STREAM.PURGE", "STREAM.MSG.GET"].map(
          (verb) => api(verb, stream),
        ),
      ),
      api("DIRECT.GET", stateStream),
      api("DIRECT.GET", stateFilesStream),
      stateEntrySubject,
      `${stateFileSubject}.>`,
      leaseSubject,
    ],
    subscribe: [inbox("coordinator")],
    answers: false,
  },
  worker: {
    publish: [
      ...findWorkersDurables,
      ...durables.map((durable) => nextSubject(jobsStream, durable)),
      ...durables.flatMap((durable) => acks(jobsStream, durable)),
      resultSubject,
      "turntable.dead-letter.v1.>",
      "turntable.hand-back.v1.>",
      directGetSubject(handBacksStream, "turntable.hand-back.v1.>"),
      ...readObjects,
      // Results of callers' jobs.
      inbox("caller"),
    ],
    subscribe: [inbox("worker"), ...discovery, "turntable.worker.v1.>"],
    answers: true,
  },
  /** Who has the pool score for it (`turntable-worker serve --nats`). Where it is alone it needs the coordinator's. */
  caller: {
    publish: [
      ...findWorkersDurables,
      "turntable.job.v1.>",
      api("STREAM.MSG.DELETE", jobsStream),
      api("STREAM.MSG.GET", bucketStream),
      api("STREAM.PURGE", bucketStream),
      openBucket,
      `$O.${assetsBucket}.>`,
    ],
    subscribe: [inbox("caller")],
    answers: false,
  },
  monitoring: {
    publish: [
      ...["INFO", "STREAM.NAMES", "STREAM.LIST", "STREAM.INFO.*"].map((verb) => api(verb)),
      ...["CONSUMER.NAMES.*", "CONSUMER.LIST.*", "CONSUMER.INFO.*.*"].map((verb) => api(verb)),
      ...discovery,
    ],
    subscribe: ["_INBOX_monitoring.>"],
    answers: false,
  },
};

/** As variables of a nats-server's configuration: `permissions: $TURNTABLE_WORKER`. */
export function permissionsConf(): string {
  const block = ([role, { publish, subscribe, answers }]: readonly [string, Permissions]): string =>
    [
      `TURNTABLE_${role.toUpperCase()} {`,
      `  publish { allow: [\n${lines(publish)}\n  ] }`,
      `  subscribe { allow: [\n${lines(subscribe)}\n  ] }`,
      ...(answers ? ['  allow_responses { max: 1, expires: "1m" }'] : []),
      "}",
    ].join("\n");
  return `# What each role may do on NATS. Made from bus/src/nats/permissions.ts by \`npm run generate\`: do not edit.\n\n${Object.entries(
    permissions,
  )
    .map(block)
    .join("\n\n")}\n`;
}

const lines = (subjects: readonly string[]): string =>
  subjects.map((subject) => `    ${JSON.stringify(subject)}`).join("\n");
