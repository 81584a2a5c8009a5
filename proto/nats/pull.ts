import { createInbox, type Msg, type Subscription } from "@nats-io/transport-node";
import { jobsStream } from "../bus.ts";
import { nextSubject, statusCode, statusOf } from "./jetstream.ts";
import type { NatsLink } from "./link.ts";

/** Takes single messages from the durables of JOBS, now or not at all. */
export interface JobPuller {
  /** Undefined when there is none, and when the link goes down. */
  pullNow(durable: string): Promise<Msg | undefined>;
}

/**
 * How long to wait for the server's word. A request that loses a race for the last message is not refused, it stays
 * with the server until the next message comes; we take it back then and ask elsewhere.
 */
const answerTimeoutMs = 100;
const pullRequest = JSON.stringify({ batch: 1, no_wait: true });

/** A subscription for the answers to one pull after another: cheaper than one for each. */
interface Slot {
  readonly inbox: string;
  readonly subscription: Subscription;
  onAnswer: (message: Msg | undefined) => void;
}

export function createJobPuller(link: NatsLink): JobPuller {
  const free: Slot[] = [];

  return {
    async pullNow(durable) {
      if (!link.isUp()) {
        return undefined;
      }
      const slot = free.pop() ?? openSlot();
      const { promise, resolve } = Promise.withResolvers<Msg | undefined>();
      slot.onAnswer = resolve;
      const stopListening = link.onDown(() => resolve(undefined));
      const timer = setTimeout(() => void takeBack(slot), answerTimeoutMs);
      link.connection.publish(nextSubject(jobsStream, durable), pullRequest, { reply: slot.inbox });
      const answer = await promise;
      clearTimeout(timer);
      stopListening();
      if (slot.subscription.isClosed() || slot.subscription.isDraining() || !link.isUp()) {
        slot.subscription.unsubscribe();
      } else {
        free.push(slot);
      }
      if (answer === undefined) {
        return undefined;
      }
      const status = statusOf(answer, slot.inbox);
      if (status === statusCode.noResponders) {
        link.setUpAgain();
      }
      return status === 0 ? answer : undefined;
    },
  };

  function openSlot(): Slot {
    const inbox = createInbox();
    const slot: Slot = {
      inbox,
      subscription: link.connection.subscribe(inbox, {
        callback: (_error, message) => slot.onAnswer(message),
      }),
      onAnswer: () => undefined,
    };
    return slot;
  }

  /** After the drain the server sends nothing more; what it had sent before has arrived. */
  async function takeBack(slot: Slot): Promise<void> {
    await slot.subscription.drain().catch(() => undefined);
    slot.onAnswer(undefined);
  }
}
