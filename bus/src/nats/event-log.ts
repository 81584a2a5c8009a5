import { QueueUnavailableError } from "../contract.ts";
import { isFromNats, sentenceOf } from "./advice.ts";
import type { NatsEvent } from "./options.ts";

/** What of a logger is needed; pino's fits. */
interface EventLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Writes an event to a process's log: the same event reads the same in every process. */
export function logNatsEvent(logger: EventLogger, event: NatsEvent): void {
  if (event.kind === "up") {
    logger.info({ server: event.server, version: event.version }, "connected to NATS");
  } else if (event.kind === "down") {
    logger.warn({ reason: event.reason }, "NATS is away");
  } else if (isFromNats(event.error) || event.error instanceof QueueUnavailableError) {
    // What NATS says needs a sentence and no stack.
    logger.warn({ reason: sentenceOf(event.error) }, event.what);
  } else {
    logger.warn({ err: event.error }, event.what);
  }
}
