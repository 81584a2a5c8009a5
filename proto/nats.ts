/**
 * The job queue over NATS JetStream: `connectJobQueue` for the coordinator, `connectJobSource` for workers,
 * `connectJobCaller` for who wants the result of a job of its own.
 */
export { connectJobCaller, type JobCaller } from "./nats/job-caller.ts";
export { connectJobQueue } from "./nats/job-queue.ts";
export { connectJobSource, type JobSourceOptions } from "./nats/job-source.ts";
export {
  type NatsEvent,
  type NatsOptions,
  NatsServerError,
  type NatsTlsOptions,
} from "./nats/options.ts";
export { minimumServerVersion } from "./nats/server-check.ts";
