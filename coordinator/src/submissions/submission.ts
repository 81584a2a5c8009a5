import type { Context } from "@opentelemetry/api";
import type { ProtocolYear } from "@turntable/bittensor/synapse";
import { contextOf } from "@turntable/process";
import { z } from "zod";
import type { TaskClass, VerdictKind } from "../tasks/index.ts";

/** What the miner is told about its work; kept, so that asking again gets the same answer. */
export interface Feedback {
  readonly verdict: VerdictKind;
  /** Words for the miner; empty when there is nothing to add. */
  readonly reason: string;
  /** 0 to 1 */
  readonly score: number;
  /** 0 to 1 */
  readonly fidelity: number;
  /** 0 to 1 */
  readonly averageFidelity: number;
  /** How many accepted results the miner has in the window. */
  readonly observations: number;
  readonly duelRating: number;
  readonly reward: number;
  /** ms since 1970 UTC */
  readonly cooldownUntil: number;
}

/**
 * What a miner handed in for an assignment. Assignment, submission and job are one thing in three stages and share one
 * id: an assignment gets at most one submission, and a submission is one job, however often that job is queued.
 */
export interface Submission {
  /** The assignment's id, and the job's. */
  readonly id: string;
  /** Its place in the order of arrival; a later submission has a higher one, whatever the clock does. */
  readonly sequence: number;
  /** Hotkey of the axon that took it, for which the miner signed; empty in rows from when there was one axon only. */
  readonly validator: string;
  /** 64 hex digits */
  readonly assetSha256: string;
  readonly assetSizeBytes: number;
  /** False once retention has removed it. */
  readonly assetKept: boolean;
  /** As the miner named it, such as `ply`. */
  readonly format: string;
  /** The subnet's `data_ver`. */
  readonly formatVersion: number;
  /** The subnet's `compression`. */
  readonly compression: number;
  /** Nanoseconds since 1970 by the miner's clock. */
  readonly submitTime: bigint;
  /** sr25519, 64 bytes */
  readonly signature: Uint8Array;
  /** Whose text the signature is over. */
  readonly protocolYear: ProtocolYear;
  /** ms since 1970 UTC */
  readonly receivedAt: number;
  /** The trace that its job continues: the one that was active when it was received. */
  readonly trace: Context;
  /** The dispatch number of its job: 0 at first, one more each time that the queue had lost the job. */
  readonly dispatch: number;
  /** The replica of its job: 0, and one more each time that a result was not enough. */
  readonly replica: number;
  /** A second worker decides, after faults in a row. */
  readonly secondLook: boolean;
  /** Undefined while there is no verdict. */
  readonly feedback: Feedback | undefined;
}

const verdictKind = z.enum([
  "accepted",
  "rejected",
  "invalid-asset",
  "duplicate",
  "system-fault",
  "cancelled",
] satisfies VerdictKind[]);

const feedbackJson = z.object({
  verdict: verdictKind,
  reason: z.string(),
  score: z.number(),
  fidelity: z.number(),
  averageFidelity: z.number(),
  observations: z.number(),
  duelRating: z.number().default(0), // rows from before there were duels
  reward: z.number(),
  cooldownUntil: z.number(),
});

/** For how long an asset is kept after its verdict. */
const keep = z.enum(["short", "long"]);
export type Keep = z.infer<typeof keep>;

/** What clients asked for and may download is kept long, everything else shortly. */
export function keepOf(verdict: VerdictKind, taskClass: TaskClass | undefined): Keep {
  return verdict === "accepted" && taskClass === "organic" ? "long" : "short";
}

const submissionRow = z.object({
  id: z.string(),
  sequence: z.number(),
  validator: z.string(),
  asset_sha256: z.string(),
  asset_size: z.number(),
  keep: keep.nullable(),
  format: z.string(),
  format_version: z.number(),
  compression: z.number(),
  submit_time: z.string(),
  signature: z.instanceof(Uint8Array),
  protocol_year: z.enum(["2024", "2025"]),
  received_at: z.number(),
  traceparent: z.string().nullable(),
  dispatch: z.number(),
  replica: z.number(),
  second_look: z.number(),
  feedback: z.string().nullable(),
});

/**
 * Parses a row of the table `submissions`.
 * @throws ZodError when it is none
 */
export function parseSubmission(value: unknown): Submission {
  const row = submissionRow.parse(value);
  return {
    id: row.id,
    sequence: row.sequence,
    validator: row.validator,
    assetSha256: row.asset_sha256,
    assetSizeBytes: row.asset_size,
    assetKept: row.keep !== null,
    format: row.format,
    formatVersion: row.format_version,
    compression: row.compression,
    submitTime: BigInt(row.submit_time),
    signature: row.signature,
    protocolYear: row.protocol_year,
    receivedAt: row.received_at,
    trace: contextOf(row.traceparent ?? undefined),
    dispatch: row.dispatch,
    replica: row.replica,
    secondLook: row.second_look === 1,
    feedback: row.feedback === null ? undefined : feedbackJson.parse(JSON.parse(row.feedback)),
  };
}
