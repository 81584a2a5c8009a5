/**
 * How often a job was given back on purpose. The server counts deliveries, and says of none how it ended: what was not
 * given back, and came again all the same, had a worker that fell silent. Two of those in a row of tries, and the job
 * may be what kills them (Q6). Notes are written only when a job is given back, and read only for one that comes again.
 * A job that was withdrawn has another note in their place.
 */
import { handBackSubject, handBacksStream, QueueUnavailableError } from "../contract.ts";
import type { Delivery } from "./jetstream.ts";
import { directGetSubject, statusCode } from "./jetstream.ts";
import type { NatsLink } from "./link.ts";
import { noteHeaders } from "./messages.ts";

/** What became of a job's earlier deliveries, as far as it was told. */
export interface HandBacks {
  /** By workers that had begun with it. */
  readonly handedBack: number;
  /** By workers that must not do it: those are no tries. */
  readonly turnedAway: number;
  /** By workers that stopped, or had another job for too long, before they began: no tries either. */
  readonly unbegun: number;
}

const none: HandBacks = { handedBack: 0, turnedAway: 0, unbegun: 0 };

const withdrawn = "withdrawn";

/** Ids that are parts of subjects; a message of somebody else's may have another. */
const isSubjectSafe = (messageId: string | undefined): messageId is string =>
  messageId !== undefined && /^[A-Za-z0-9_.-]{1,200}$/.test(messageId);

/** @throws QueueUnavailableError */
export async function readHandBacks(
  link: NatsLink,
  messageId: string | undefined,
  { count }: Delivery,
): Promise<HandBacks> {
  const note = count === 1 ? undefined : await read(link, messageId);
  return note === undefined ? none : parseHandBacks(note);
}

/** Whether a job that was taken is wanted no more. @throws QueueUnavailableError */
export async function isWithdrawn(link: NatsLink, messageId: string | undefined): Promise<boolean> {
  return (await read(link, messageId)) === withdrawn;
}

/** To be written before a job is removed whose worker may miss its asset then. */
export function noteWithdrawal(link: NatsLink, messageId: string): Promise<void> {
  return write(link, messageId, withdrawn);
}

async function read(link: NatsLink, messageId: string | undefined): Promise<string | undefined> {
  if (!isSubjectSafe(messageId)) {
    return undefined;
  }
  const subject = directGetSubject(handBacksStream, handBackSubject(messageId));
  const answer = await link.request(subject, "");
  if (answer.headers?.code === statusCode.noMessages) {
    return undefined;
  }
  if (answer.headers !== undefined && answer.headers.code !== 0) {
    throw new QueueUnavailableError(`the queue is away: ${answer.headers.description}`);
  }
  return answer.string();
}

/** To be written before the job is given back; where it cannot be, it is reported, and counts as silence. */
export function noteHandBack(
  link: NatsLink,
  messageId: string | undefined,
  { handedBack, turnedAway, unbegun }: HandBacks,
): Promise<void> {
  return write(link, messageId, `${handedBack} ${turnedAway} ${unbegun}`);
}

async function write(link: NatsLink, messageId: string | undefined, note: string): Promise<void> {
  if (!isSubjectSafe(messageId)) {
    return;
  }
  try {
    await link.publish(handBackSubject(messageId), Buffer.from(note), noteHeaders());
  } catch (error) {
    link.report("what becomes of a job could not be noted", error);
  }
}

/** Deliveries before this one that ended without a word. */
export function silences({ count }: Delivery, earlier: HandBacks): number {
  const { handedBack, turnedAway, unbegun } = earlier;
  return Math.max(0, count - 1 - handedBack - turnedAway - unbegun);
}

/** Which try this delivery is, from 1. */
export function tryOf({ count }: Delivery, { turnedAway, unbegun }: HandBacks): number {
  return Math.max(1, count - turnedAway - unbegun);
}

function parseHandBacks(text: string): HandBacks {
  // Notes of earlier versions have no third number.
  const [handedBack = 0, turnedAway = 0, unbegun = 0] = text.split(" ").map(Number);
  return [handedBack, turnedAway, unbegun].every(Number.isInteger)
    ? { handedBack, turnedAway, unbegun }
    : none;
}
