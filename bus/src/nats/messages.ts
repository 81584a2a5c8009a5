/** What our messages look like on the wire: payloads are the contract's messages, the rest is in headers. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { type Context, propagation, ROOT_CONTEXT } from "@opentelemetry/api";
import type { RenderScoreJob, RenderScoreResult } from "@turntable/proto";
import { FaultCause, RenderScoreJobSchema, RenderScoreResultSchema } from "@turntable/proto";
import { InvalidJobError } from "../contract.ts";
import type { QueueableJob } from "../job-identity.ts";

const messageIdHeader = "Nats-Msg-Id";
/** On a result: the object to remove when the result is acked. */
const assetObjectHeader = "Turntable-Asset-Object";
/** Such a message names an object, and is no result. */
const leftoverHeader = "Turntable-Leftover";
/** On a job: where its caller waits for the result, which goes there instead of to the coordinator. */
const replyToHeader = "Turntable-Reply-To";
/** On a dead letter: the job without its asset, in base64, so that letters can be listed without their payloads. */
const jobHeader = "Turntable-Job";
const jobSubjectHeader = "Turntable-Job-Subject";
const reasonHeader = "Turntable-Reason";
const causeHeader = "Turntable-Cause";
const attemptsHeader = "Turntable-Attempts";

/** For subjects, ids, reasons, trace context and the protocol around them. */
const headroomBytes = 8 * 1024;
const longestReasonChars = 1000;

interface WithHeaders {
  readonly headers?: MsgHdrs | undefined;
}

/** A job as a message, or undefined when its asset has to go to the object store. */
export function encodeInline(
  { job, asset }: QueueableJob,
  maxPayload: number,
): Uint8Array | undefined {
  if (asset.length >= maxPayload) {
    return undefined;
  }
  const encoded = toBinary(RenderScoreJobSchema, job);
  return fits(encoded.length - asset.length, encoded.length, maxPayload) ? encoded : undefined;
}

/** @throws InvalidJobError when the job is too large even without its asset */
export function encodeWithObject(
  job: RenderScoreJob,
  object: string,
  maxPayload: number,
): Uint8Array {
  const encoded = toBinary(RenderScoreJobSchema, {
    ...job,
    asset: { case: "assetObject", value: object },
  });
  if (!fits(encoded.length, encoded.length, maxPayload)) {
    throw new InvalidJobError(
      `job ${job.jobId} has ${encoded.length} bytes without its asset, too many for messages of ${maxPayload} (the server's max_payload)`,
    );
  }
  return encoded;
}

/** As a dead letter it carries the job once more, in base64 (four bytes for three). */
function fits(sizeWithoutAsset: number, size: number, maxPayload: number): boolean {
  return size + 2 * sizeWithoutAsset + headroomBytes <= maxPayload;
}

export function jobHeaders(messageId: string, trace: Context, replyTo?: string): MsgHdrs {
  const hdrs = headers();
  hdrs.set(messageIdHeader, messageId);
  if (replyTo !== undefined) {
    hdrs.set(replyToHeader, replyTo);
  }
  injectTrace(trace, hdrs);
  return hdrs;
}

/** Of a message without an id: a later one of its subject replaces it. */
export const noteHeaders = (): MsgHdrs => headers();

export function resultHeaders(
  messageId: string,
  trace: Context,
  assetObject: string | undefined,
): MsgHdrs {
  const hdrs = jobHeaders(messageId, trace);
  if (assetObject !== undefined) {
    hdrs.set(assetObjectHeader, assetObject);
  }
  return hdrs;
}

/** Of a message among the results that is none: an object that nobody needs any more, and no result will name. */
export function leftoverHeaders(messageId: string, assetObject: string): MsgHdrs {
  const hdrs = headers();
  hdrs.set(messageIdHeader, messageId);
  hdrs.set(assetObjectHeader, assetObject);
  hdrs.set(leftoverHeader, "1");
  return hdrs;
}

export const isLeftover = (message: WithHeaders): boolean =>
  headerOf(message, leftoverHeader) !== undefined;

export const encodeResult = (result: RenderScoreResult): Uint8Array =>
  toBinary(RenderScoreResultSchema, result);

/** @throws when it is none */
export const decodeJob = (payload: Uint8Array): RenderScoreJob =>
  fromBinary(RenderScoreJobSchema, plain(payload));

/** @throws when it is none */
export const decodeResult = (payload: Uint8Array): RenderScoreResult =>
  fromBinary(RenderScoreResultSchema, plain(payload));

/** Not a Buffer, whose `slice` is no copy; the decoder's byte fields are of the same kind as its input. */
const plain = ({ buffer, byteOffset, length }: Uint8Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, length);

/** The trace that a message belongs to; the root context when it names none. */
export const traceOf = ({ headers }: WithHeaders): Context =>
  headers === undefined
    ? ROOT_CONTEXT
    : propagation.extract(ROOT_CONTEXT, headers, {
        keys: (hdrs) => hdrs.keys(),
        get: (hdrs, key) => hdrs.values(key),
      });

function injectTrace(trace: Context, hdrs: MsgHdrs): void {
  propagation.inject(trace, hdrs, { set: (to, key, value) => to.set(key, value) });
}

export const replyToOf = (message: WithHeaders): string | undefined =>
  headerOf(message, replyToHeader);

export const messageIdOf = (message: WithHeaders): string | undefined =>
  headerOf(message, messageIdHeader);

export const assetObjectOf = (message: WithHeaders): string | undefined =>
  headerOf(message, assetObjectHeader);

export interface DeadLetterHeaders {
  readonly job: RenderScoreJob;
  /** Where the job was queued, and is again when it is replayed. */
  readonly subject: string;
  readonly reason: string;
  readonly cause: FaultCause;
  readonly attempts: number;
  readonly trace: Context;
}

export function deadLetterHeaders(letter: DeadLetterHeaders): MsgHdrs {
  const hdrs = headers();
  const { job, subject, reason, cause, attempts, trace } = letter;
  const bare = toBinary(RenderScoreJobSchema, withoutAsset(job));
  hdrs.set(jobHeader, Buffer.from(bare).toString("base64"));
  hdrs.set(jobSubjectHeader, subject);
  hdrs.set(reasonHeader, oneLine(reason));
  hdrs.set(causeHeader, String(cause));
  hdrs.set(attemptsHeader, String(attempts));
  if (job.asset.case === "assetObject") {
    hdrs.set(assetObjectHeader, job.asset.value);
  }
  injectTrace(trace, hdrs);
  return hdrs;
}

/** Undefined when the message is none of ours. */
export function parseDeadLetter(message: WithHeaders): DeadLetterHeaders | undefined {
  const job = headerOf(message, jobHeader);
  const subject = headerOf(message, jobSubjectHeader);
  if (job === undefined || subject === undefined) {
    return undefined;
  }
  return {
    job: decodeJob(Buffer.from(job, "base64")),
    subject,
    reason: headerOf(message, reasonHeader) ?? "",
    // An open enumeration: letters of newer processes may have others.
    cause: Number(headerOf(message, causeHeader) ?? FaultCause.UNSPECIFIED) as FaultCause,
    attempts: Number(headerOf(message, attemptsHeader) ?? 0),
    trace: traceOf(message),
  };
}

export function withoutAsset(job: RenderScoreJob): RenderScoreJob {
  return create(RenderScoreJobSchema, { ...job, asset: { case: undefined } });
}

/** Fit for a header and for the server's log. */
export function oneLine(reason: string): string {
  return reason.replaceAll(/\s+/g, " ").trim().slice(0, longestReasonChars);
}

function headerOf(message: WithHeaders, name: string): string | undefined {
  const value = message.headers?.get(name);
  return value === "" ? undefined : value;
}
