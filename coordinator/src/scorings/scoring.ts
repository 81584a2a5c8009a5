import { fromBinary } from "@bufbuild/protobuf";
import type { Context } from "@opentelemetry/api";
import { contextOf } from "@turntable/process";
import { type ScoreReport, ScoreReportSchema } from "@turntable/proto";
import { z } from "zod";

/** An asset that a client brought, to be scored for a prompt. */
export interface Scoring {
  readonly id: string;
  /** Whose it is. */
  readonly client: string;
  readonly prompt: string;
  readonly state: ScoringState;
  /** As the client declared it. */
  readonly encoding: ScoringEncoding;
  readonly sizeBytes: number;
  /** 64 hex digits */
  readonly sha256: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  /** When it fails, or once it has ended, is forgotten. */
  readonly expiresAt: Date;
  readonly failure: { readonly code: string; readonly message: string } | undefined;
  readonly report: ScoreReport | undefined;
  readonly cameraSeed: bigint;
}

export type ScoringState = "uploading" | "queued" | "scored" | "failed";

export interface ScoringEncoding {
  /** `ply`; empty when the client did not say. */
  readonly format: string;
  /** The subnet's `data_ver`. */
  readonly version: number;
  /** The subnet's `compression`. */
  readonly compression: number;
}

/** A scoring that waits for its result, as dispatch sees it. */
export interface PendingScoring extends Scoring {
  /** Its place in the order in which assets were whole. */
  readonly sequence: number;
  readonly dispatch: number;
  /** The replica of its job: 0, and one more each time that a result was not taken. */
  readonly replica: number;
  /** The trace that its job continues. */
  readonly trace: Context;
}

const scoringRow = z.object({
  id: z.string(),
  client: z.string(),
  prompt: z.string(),
  state: z.enum(["uploading", "queued", "scored", "failed"]),
  camera_seed: z.string(),
  format: z.string(),
  format_version: z.number(),
  compression: z.number(),
  asset_sha256: z.string(),
  asset_size: z.number(),
  created_at: z.number(),
  updated_at: z.number(),
  expires_at: z.number(),
  failure_code: z.string().nullable(),
  failure_message: z.string().nullable(),
  report: z.instanceof(Uint8Array).nullable(),
});

const pendingRow = z.object({
  sequence: z.number(),
  dispatch: z.number(),
  replica: z.number(),
  traceparent: z.string().nullable(),
});

/**
 * Parses a row of the table `scorings`.
 * @throws ZodError when it is none
 */
export function parseScoring(value: unknown): Scoring {
  const row = scoringRow.parse(value);
  return {
    id: row.id,
    client: row.client,
    prompt: row.prompt,
    state: row.state,
    encoding: { format: row.format, version: row.format_version, compression: row.compression },
    sizeBytes: row.asset_size,
    sha256: row.asset_sha256,
    createdAt: new Date(row.created_at),
    updatedAt: new Date(row.updated_at),
    expiresAt: new Date(row.expires_at),
    failure:
      row.failure_code === null
        ? undefined
        : { code: row.failure_code, message: row.failure_message ?? "" },
    report: row.report === null ? undefined : fromBinary(ScoreReportSchema, row.report),
    cameraSeed: BigInt(row.camera_seed),
  };
}

/** Parses a row of `scoring_jobs` joined with its scoring. */
export function parsePendingScoring(value: unknown): PendingScoring {
  const { sequence, dispatch, replica, traceparent } = pendingRow.parse(value);
  return {
    ...parseScoring(value),
    ...{ sequence, dispatch, replica, trace: contextOf(traceparent ?? undefined) },
  };
}

/** Whether nothing more will come of it. */
export function isScoringEnded(state: ScoringState): boolean {
  return state === "scored" || state === "failed";
}
