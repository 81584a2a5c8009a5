/**
 * Takes single messages from the durables of JOBS, now or not at all.
 *
 * P1 Every pull request has an end that the server decides: the message or status 408. We never take one back: the
 *    server may have sent a message for it by then, which would be lost until the ack wait has passed. That rules out
 *    `no_wait`, whose loser in a race for the last message is not answered before the next message comes.
 * P2 How a durable is asked depends on what we know of it. One that had more messages behind the last one: long enough
 *    for a busy server. One that may have some: as short a time as the server can measure. One that had nothing the
 *    last time is probed before, with a request that no job fits into (see doorbells.ts) and that may be forgotten at
 *    any time: without that, a worker would wait on the empty organic durable before each synthetic job.
 * P3 A request whose time was over says little on a busy server. A durable whose jobs go before others' (Q4) is left only
 *    once a probe has said that it has none, or after several such requests.
 */
import { type Msg, nanos, type Subscription } from "@nats-io/transport-node";
import { jobsStream } from "../contract.ts";
import { type Delivery, nextSubject, parseDelivery, statusCode, statusOf } from "./jetstream.ts";
import type { NatsLink } from "./link.ts";

export interface JobPuller {
  /**
   * Undefined when there is none, and when the link goes down.
   * @param surely what is asked next must wait for this one's jobs (P3)
   */
  pull(durable: string, surely: boolean): Promise<PulledMessage | undefined>;
  /** A message is said to have come: no need to probe. */
  expect(durable: string): void;
}

export interface PulledMessage {
  readonly message: Msg;
  readonly delivery: Delivery;
}

/** Beyond the round trip, which is not part of it: the server's clock decides. */
const shortestMs = 2;
const longerMs = 50;
const pullRequest = (expiresMs: number) => JSON.stringify({ batch: 1, expires: nanos(expiresMs) });
const shortRequest = pullRequest(shortestMs);
const longerRequest = pullRequest(longerMs);
const probeRequest = JSON.stringify({ batch: 1, max_bytes: 1, no_wait: true });
/** A probe that lost a race is not answered (P1). */
const probeTimeoutMs = 25;
const triesWhenSurely = 4;

type Knowledge = "backlog" | "perhaps" | "empty";

/** A subscription for the answers to one pull after another: cheaper than one for each. */
interface Slot {
  readonly inbox: string;
  readonly subscription: Subscription;
  onAnswer: (message: Msg | undefined) => void;
}

export function createJobPuller(link: NatsLink): JobPuller {
  const free: Slot[] = [];
  const known = new Map<string, Knowledge>();

  return {
    async pull(durable, surely) {
      const mostTries = surely ? triesWhenSurely : 1;
      for (let tries = 0; tries < mostTries; tries += 1) {
        if (known.get(durable) === "empty" && (await isEmpty(durable))) {
          return undefined;
        }
        const mayTakeLonger = tries > 0 || known.get(durable) === "backlog";
        const message = await ask(durable, mayTakeLonger ? longerRequest : shortRequest);
        if (message !== undefined) {
          const delivery = parseDelivery(message);
          known.set(durable, delivery.pending > 0 ? "backlog" : "perhaps");
          return { message, delivery };
        }
        known.set(durable, "empty");
      }
      return undefined;
    },
    expect(durable) {
      if (known.get(durable) === "empty") {
        known.set(durable, "perhaps");
      }
    },
  };

  async function isEmpty(durable: string): Promise<boolean> {
    try {
      const subject = nextSubject(jobsStream, durable);
      const answer = await link.request(subject, probeRequest, { timeoutMs: probeTimeoutMs });
      return answer.headers?.code === statusCode.noMessages;
    } catch {
      return false;
    }
  }

  async function ask(durable: string, request: string): Promise<Msg | undefined> {
    if (!link.isUp()) {
      return undefined;
    }
    const slot = free.pop() ?? openSlot();
    const { promise, resolve } = Promise.withResolvers<Msg | undefined>();
    slot.onAnswer = resolve;
    const giveUp = () => resolve(undefined);
    const stopListening = link.onDown(giveUp);
    // Only for a request that was lost, as when the consumer moves to another server of a cluster.
    const timer = setTimeout(giveUp, link.requestTimeoutMs);
    link.connection.publish(nextSubject(jobsStream, durable), request, { reply: slot.inbox });
    const answer = await promise;
    clearTimeout(timer);
    stopListening();
    if (answer === undefined) {
      slot.subscription.unsubscribe();
      return undefined;
    }
    free.push(slot);
    const status = statusOf(answer, slot.inbox);
    if (status === statusCode.noResponders) {
      link.setUpAgain();
    }
    return status === 0 ? answer : undefined;
  }

  function openSlot(): Slot {
    const inbox = link.createInbox();
    const slot: Slot = {
      inbox,
      subscription: link.connection.subscribe(inbox, {
        callback: (_error, message) => slot.onAnswer(message),
      }),
      onAnswer: () => undefined,
    };
    return slot;
  }
}
