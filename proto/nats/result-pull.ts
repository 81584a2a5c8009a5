import { createInbox, type Msg, nanos } from "@nats-io/transport-node";
import { coordinatorDurable, resultsStream } from "../bus.ts";
import { nak, nextSubject, parseDelivery, statusCode, statusOf } from "./jetstream.ts";
import type { NatsLink } from "./link.ts";

/** Results that are here and not yet consumed; more would come again when applying them takes long. */
const batchSize = 64;
const expiresMs = 30_000;
const heartbeatMs = 5_000;
/** Without a word for so long the request is taken for lost. */
const silenceMs = 2.5 * heartbeatMs;
const pullRequest = JSON.stringify({
  batch: batchSize,
  expires: nanos(expiresMs),
  idle_heartbeat: nanos(heartbeatMs),
});

/** Results as they come, over reconnects, until `signal` is aborted. */
export async function* pullResults(link: NatsLink, signal: AbortSignal): AsyncGenerator<Msg> {
  while (await link.whenUp(signal)) {
    yield* pullBatch(link, signal);
  }
}

/** The answers to one pull request: to its end, or until the link or the request is lost. */
async function* pullBatch(link: NatsLink, signal: AbortSignal): AsyncGenerator<Msg> {
  const inbox = createInbox();
  const waiting: Msg[] = [];
  let isOver = false;
  let delivered = 0;
  let changed = Promise.withResolvers<void>();
  const wake = () => changed.resolve();
  const finish = () => {
    isOver = true;
    wake();
  };
  const subscription = link.connection.subscribe(inbox, {
    callback(_error, message) {
      silence.refresh();
      const status = statusOf(message, inbox);
      if (status === 0) {
        waiting.push(message);
        delivered += 1;
        isOver ||= delivered === batchSize;
      } else if (status !== statusCode.heartbeat) {
        isOver = true;
        if (status === statusCode.noResponders) {
          link.setUpAgain();
        }
      }
      wake();
    },
  });
  const silence = setTimeout(finish, silenceMs);
  const stopListening = link.onDown(finish);
  signal.addEventListener("abort", finish);
  try {
    link.connection.publish(nextSubject(resultsStream, coordinatorDurable), pullRequest, {
      reply: inbox,
    });
    while (!signal.aborted) {
      const message = waiting.shift();
      if (message !== undefined) {
        yield message;
      } else if (isOver) {
        return;
      } else {
        await changed.promise;
        changed = Promise.withResolvers();
      }
    }
  } finally {
    clearTimeout(silence);
    stopListening();
    signal.removeEventListener("abort", finish);
    subscription.unsubscribe();
    for (const message of waiting) {
      link.send(parseDelivery(message).ackSubject, nak(0));
    }
  }
}
