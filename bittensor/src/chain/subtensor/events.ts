/** What happens to the connection, for logs and readiness. */

export type ChainEvent =
  | { readonly kind: "up"; readonly url: string }
  /** Told when it begins and when its reason changes, not at each try. */
  | {
      readonly kind: "away";
      readonly url: string;
      readonly reason: string;
      readonly retryInMs: number;
    }
  /** Something that the node or the library says, and that nobody has to act on. */
  | { readonly kind: "note"; readonly text: string };

/** What of a logger is needed; pino's fits. */
interface EventLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Writes an event to a process's log: the same event reads the same in every process. */
export function logChainEvent(logger: EventLogger, event: ChainEvent): void {
  if (event.kind === "up") {
    logger.info({ endpoint: event.url }, "connected to the chain");
  } else if (event.kind === "note") {
    logger.info({ note: event.text }, "the chain client says");
  } else {
    const { url, reason, retryInMs } = event;
    logger.warn({ endpoint: url, reason, retry_in_ms: Math.round(retryInMs) }, "the chain is away");
  }
}
