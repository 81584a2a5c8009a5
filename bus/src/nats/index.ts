/**
 * The job queue over NATS JetStream: `connectJobQueue` for the coordinator, `connectJobSource` for workers,
 * `connectJobCaller` for who wants the result of a job of its own.
 */
export { logNatsEvent } from "./event-log.ts";
export { connectJobCaller, type JobCaller } from "./job-caller.ts";
export { connectJobQueue } from "./job-queue.ts";
export { connectJobSource, type JobSourceOptions } from "./job-source.ts";
export {
  type NatsEvent,
  type NatsOptions,
  type NatsQueueOptions,
  NatsServerError,
  type NatsTlsOptions,
} from "./options.ts";
export { permissionsConf } from "./permissions.ts";
export { minimumServerVersion } from "./server-check.ts";
export { connectStateLog, type StateLogOptions } from "./state-log.ts";
