import { type Msg, nanos } from "@nats-io/transport-node";
import { coordinatorDurable, resultsStream } from "../contract.ts";
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
  const batch = requestBatch(link);
  // At once, not when the consumer comes back for more: it may never do.
  signal.addEventListener("abort", batch.stop);
  if (signal.aborted) {
    batch.stop();
  }
  try {
    for (;;) {
      const message = batch.shift();
      if (message !== undefined) {
        yield message;
      } else if (batch.isOver()) {
        return;
      } else {
        await batch.changed();
      }
    }
  } finally {
    signal.removeEventListener("abort", batch.stop);
    batch.stop();
  }
}

interface Batch {
  shift(): Msg | undefined;
  /** Nothing more will come. */
  isOver(): boolean;
  changed(): Promise<void>;
  /** Gives back what was not shifted. */
  stop(): void;
}

function requestBatch(link: NatsLink): Batch {
  const inbox = link.createInbox();
  const waiting: Msg[] = [];
  let delivered = 0;
  let isOver = false;
  let change = Promise.withResolvers<void>();
  const finish = () => {
    if (isOver) {
      return;
    }
    isOver = true;
    clearTimeout(silence);
    stopListening();
    subscription.unsubscribe();
    change.resolve();
  };
  const silence = setTimeout(finish, silenceMs);
  const stopListening = link.onDown(finish);
  const subscription = link.connection.subscribe(inbox, {
    callback(_error, message) {
      silence.refresh();
      const status = statusOf(message, inbox);
      if (status === 0) {
        waiting.push(message);
        delivered += 1;
      }
      if (status === statusCode.noResponders) {
        link.setUpAgain();
      }
      if (delivered === batchSize || (status !== 0 && status !== statusCode.heartbeat)) {
        finish();
      }
      change.resolve();
    },
  });
  link.connection.publish(nextSubject(resultsStream, coordinatorDurable), pullRequest, {
    reply: inbox,
  });
  return {
    shift: () => waiting.shift(),
    isOver: () => isOver,
    async changed() {
      await change.promise;
      change = Promise.withResolvers();
    },
    stop() {
      finish();
      for (const message of waiting.splice(0)) {
        link.send(parseDelivery(message).ackSubject, nak(0));
      }
    },
  };
}
