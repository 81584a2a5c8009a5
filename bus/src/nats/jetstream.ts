/** The parts of JetStream's wire protocol that the client library hides behind heavier calls (NATS ADR-13, ADR-15). */
import type { JetStreamManager } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/transport-node";
import { nanos } from "@nats-io/transport-node";

/** What JetStream says of a message that it delivers, in the subject to which acks go. */
export interface Delivery {
  readonly ackSubject: string;
  /** Which delivery this is, from 1. */
  readonly count: number;
  readonly streamSequence: number;
  /** So many messages waited behind this one that were never delivered. */
  readonly pending: number;
}

/**
 * `$JS.ACK.<stream>.<consumer>.<count>.<stream sequence>.<consumer sequence>.<time>.<pending>`, newer servers with
 * `<domain>.<account>` before the stream and something random at the end.
 * @throws when the message does not come from a consumer
 */
export function parseDelivery(message: Pick<Msg, "reply">): Delivery {
  const tokens = message.reply?.split(".") ?? [];
  const numbers = tokens.slice(tokens.length === 9 ? 4 : 6).map(Number);
  const [count, streamSequence, , , pending] = numbers;
  if (
    message.reply === undefined ||
    tokens[1] !== "ACK" ||
    count === undefined ||
    streamSequence === undefined ||
    pending === undefined
  ) {
    throw new Error(`not a message of a consumer: its reply subject is ${message.reply}`);
  }
  return { ackSubject: message.reply, count, streamSequence, pending };
}

export const nextSubject = (stream: string, durable: string): string =>
  `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`;

/** The latest message of a subject, from whichever server has a copy (NATS ADR-31). */
export const directGetSubject = (stream: string, subject: string): string =>
  `$JS.API.DIRECT.GET.${stream}.${subject}`;

export const ack = "+ACK";
export const inProgress = "+WPI";
export const term = (reason: string): string => `+TERM ${reason}`;
export const nak = (delayMs: number): string =>
  // A fraction of a nanosecond would be no delay to the server, which then gives the message out again at once.
  delayMs > 0 ? `-NAK ${JSON.stringify({ delay: nanos(Math.ceil(delayMs)) })}` : "-NAK";

/**
 * Codes of the status messages that end a pull request: 404 nothing there, 408 expired, 409 many things (a message
 * over `max_bytes`, consumer deleted, too many requests), 503 nobody listens: there is no such consumer.
 */
export const statusCode = {
  heartbeat: 100,
  noMessages: 404,
  expired: 408,
  noResponders: 503,
} as const;

/** The code of a status message; 0 for a job or result. Those carry their own subject, statuses the inbox's. */
export function statusOf(message: Msg, inbox: string): number {
  return message.subject === inbox ? (message.headers?.code ?? 0) : 0;
}

/** Removes all messages up to `sequence`. To be rid of what comes before the first one empties a stream (nats-server 2.10). */
export async function purgeUpTo(
  { streams }: JetStreamManager,
  stream: string,
  sequence: number,
): Promise<void> {
  if (sequence > 0) {
    await streams.purge(stream, { seq: sequence + 1 });
  }
}
