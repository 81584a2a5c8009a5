/**
 * Jobs that were given up (Q6). The worker side buries them: it sees each delivery's count, so nothing depends on an
 * advisory that somebody must be there to hear. Each step can be repeated: a letter replaces the one before it, and
 * the fault's result has an id of its own.
 */
import { create } from "@bufbuild/protobuf";
import type { Msg } from "@nats-io/transport-node";
import type { FaultCause, RenderScoreJob } from "@turntable/proto";
import { RenderScoreJobSchema, RenderScoreResultSchema } from "@turntable/proto";
import {
  type DeadLetter,
  deadLetterSubject,
  deadLettersStream,
  resultSubject,
} from "../contract.ts";
import { isToken, replicaId } from "../job-identity.ts";
import { openHeaders } from "./asset-sweep.ts";
import type { AssetStore } from "./assets.ts";
import type { Delivery } from "./jetstream.ts";
import type { NatsLink } from "./link.ts";
import {
  assetObjectOf,
  deadLetterHeaders,
  encodeResult,
  jobHeaders,
  oneLine,
  parseDeadLetter,
  replyToOf,
  resultHeaders,
  traceOf,
  withoutAsset,
} from "./messages.ts";

export interface Burial {
  readonly message: Msg;
  readonly delivery: Delivery;
  /** Undefined when the message cannot be read; it is kept all the same. */
  readonly job: RenderScoreJob | undefined;
  readonly attempts: number;
  readonly reason: string;
  readonly cause: FaultCause;
  readonly workerId: string;
}

/**
 * Stores the dead letter and the result that says so; the caller drops the job then. A job whose result goes to
 * somebody who waits for it leaves no letter: they hear of it and try again. @throws QueueUnavailableError
 */
export async function bury(link: NatsLink, burial: Burial): Promise<void> {
  const { message, delivery, attempts, cause, workerId } = burial;
  const reason = oneLine(burial.reason);
  const trace = traceOf(message); // Q9
  const job =
    burial.job ?? create(RenderScoreJobSchema, { jobId: `unreadable-${delivery.streamSequence}` });
  const replyTo = replyToOf(message);
  if (replyTo === undefined && !job.expendable) {
    await link.publish(
      deadLetterSubject(job.jobId, job.replica),
      message.data,
      deadLetterHeaders({ job, subject: message.subject, reason, cause, attempts, trace }),
    );
  }
  if (burial.job === undefined) {
    return;
  }
  const fault = create(RenderScoreResultSchema, {
    jobId: job.jobId,
    submissionId: job.submissionId,
    replica: job.replica,
    workerId,
    attempt: attempts,
    outcome: { case: "systemFault", value: { message: reason, cause } },
  });
  if (replyTo !== undefined) {
    await link.tell(replyTo, encodeResult(fault));
    return;
  }
  // Not under the result's own id: the result of a replay must not look like a double of this one.
  const id = `${replicaId(job)}.fault.${delivery.streamSequence}`;
  await link.publish(resultSubject, encodeResult(fault), resultHeaders(id, trace, undefined));
}

/** @throws QueueUnavailableError */
export function countDeadLetters(link: NatsLink): Promise<number> {
  return link.run(async () => {
    const { state } = await link.manager.streams.info(deadLettersStream);
    return state.messages;
  });
}

/** Oldest first. Only headers travel, so that many large letters can be listed. */
export function listDeadLetters(link: NatsLink): Promise<readonly DeadLetter[]> {
  return link.run(async () => {
    const letters: DeadLetter[] = [];
    for await (const message of await openHeaders(link, deadLettersStream)) {
      const letter = parseDeadLetter(message);
      if (letter !== undefined) {
        const { job, reason, cause, attempts } = letter;
        letters.push({ job: withoutAsset(job), reason, cause, attempts, at: message.time });
      }
      if (message.info.pending === 0) {
        break;
      }
    }
    return letters;
  });
}

/** @returns how many were queued again, one for each replica of the job */
export async function replayDeadLetters(
  link: NatsLink,
  assets: AssetStore,
  jobId: string,
): Promise<number> {
  if (!isToken(jobId)) {
    return 0;
  }
  const subjects = await link.run(() => letterSubjects(link, jobId));
  for (const subject of subjects) {
    await replay(link, assets, subject);
  }
  return subjects.length;
}

async function letterSubjects({ manager }: NatsLink, jobId: string): Promise<string[]> {
  const filter = `${deadLetterSubject(jobId, 0).slice(0, -1)}*`;
  const info = await manager.streams.info(deadLettersStream, { subjects_filter: filter });
  return Object.keys(info.state.subjects ?? {});
}

async function replay(link: NatsLink, assets: AssetStore, subject: string): Promise<void> {
  const { streams } = link.manager;
  const stored = await link.run(() =>
    streams.getMessage(deadLettersStream, { last_by_subj: subject }),
  );
  const letter = stored === null ? undefined : parseDeadLetter({ headers: stored.header });
  if (stored === null || letter === undefined) {
    return;
  }
  const object = assetObjectOf({ headers: stored.header });
  if (object !== undefined) {
    await assets.renew(object); // or the sweep would take it for one that is left over
  }
  // Named after the letter, so that a replay that is cut off here queues the job once when it is repeated.
  const id = `${replicaId(letter.job)}.replay.${stored.seq}`;
  await link.publish(letter.subject, stored.data, jobHeaders(id, letter.trace));
  await link.run(() => streams.deleteMessage(deadLettersStream, stored.seq));
}
