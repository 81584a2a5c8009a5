/**
 * Assets that clients bring to have them scored: no miner has a part in it, and no reward follows.
 *
 *   uploading ─▶ queued ─▶ scored | failed          (failed from anywhere: cancelled, expired, faults)
 *
 * V1 An asset is queued once it is whole and has the announced hash, and is on disk with its row then; until it has
 *    its verdict its job is brought to the workers again and again, as a submission's is.
 * V2 What is open is bounded, for each client and altogether, and by time.
 * V3 The asset goes with the end of its scoring, unless somebody else has the same: its client has it.
 * V4 What has ended stays as it is, but a fault of ours may be overruled by a replayed job.
 */
import { hash, randomBytes, randomUUID } from "node:crypto";
import { EventEmitter, on } from "node:events";
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { activeTraceparent } from "@turntable/process";
import {
  JobClass,
  type RenderScoreJob,
  RenderScoreJobSchema,
  type RenderScoreResult,
  type ScoreReport,
  ScoreReportSchema,
} from "@turntable/proto";
import { z } from "zod";
import type { Reports } from "../reports/index.ts";
import { fidelityOf, type RuleSet } from "../rules/index.ts";
import type { AssetFiles, Store } from "../store/index.ts";
import {
  isScoringEnded,
  type PendingScoring,
  parsePendingScoring,
  parseScoring,
  type Scoring,
  type ScoringEncoding,
} from "./scoring.ts";
import type { Uploads } from "./uploads.ts";

export interface ScoringLimits {
  /** Scorings that have not ended. */
  readonly open: number;
  /** Those of one client. */
  readonly openOfClient: number;
  /** Largest asset. */
  readonly assetBytes: number;
}

export const defaultScoringLimits = { open: 200, openOfClient: 16 } as const;

export interface NewScoring {
  readonly client: string;
  readonly prompt: string;
  readonly sizeBytes: number;
  /** 64 hex digits */
  readonly sha256: string;
  readonly encoding: ScoringEncoding;
  readonly requestId: string | undefined;
}

export type CreateScoringOutcome =
  | { readonly kind: "created" | "repeated"; readonly scoring: Scoring }
  /** The request id belongs to a scoring of something else. */
  | { readonly kind: "conflict" }
  /** So many are open, of the client or of all (V2). */
  | { readonly kind: "full"; readonly of: "client" | "all"; readonly limit: number };

export type UploadOutcome =
  | { readonly kind: "received"; readonly bytes: number; readonly isWhole: boolean }
  /** The piece begins beyond what is there. */
  | { readonly kind: "gap"; readonly bytes: number }
  /** The piece ends beyond the asset. */
  | { readonly kind: "surplus" }
  /** The whole has another hash; the upload begins anew. */
  | { readonly kind: "wrong-hash" }
  | { readonly kind: "ended" };

/** The end of a scoring. */
export interface ScoringEnd {
  /** As it is now. */
  readonly scoring: Scoring;
  /** Since it was queued, or since the fault that was overruled, in ms; undefined for one that never was queued. */
  readonly waitedMs: number | undefined;
  /** Who scored it; undefined for an end without a worker. */
  readonly by: Pick<RenderScoreResult, "workerId" | "attempt"> | undefined;
}

/** `now` is ms since 1970 UTC throughout. Disposing it waits for files that are being written or removed. */
export interface Scorings extends AsyncDisposable {
  create(request: NewScoring, now: number): CreateScoringOutcome;
  get(id: string): Scoring | undefined;
  /** How much of its asset is there. */
  receivedBytes(scoring: Scoring): Promise<number>;
  /** Takes a piece of the asset; with the last one it is queued (V1). */
  upload(id: string, offset: number, piece: Uint8Array, now: number): Promise<UploadOutcome>;
  /** Ends it, unless it has ended. */
  cancel(id: string, now: number): void;
  /** As it stands, then after each change, until it has ended or `signal` is aborted. */
  watch(id: string, signal: AbortSignal): AsyncIterable<Scoring>;
  /** Those that wait for their result and came after the one with the sequence number `after`, oldest first. */
  pending(after: number, limit: number): readonly PendingScoring[];
  stillPending(id: string): PendingScoring | undefined;
  /** How many wait for their result. */
  countPending(): number;
  /** The job that it is; undefined when the asset is gone. */
  job(scoring: PendingScoring): Promise<RenderScoreJob | undefined>;
  markDispatched(id: string, dispatch: number): void;
  /** Ends it as a fault of ours. */
  fail(id: string, reason: string, now: number): void;
  /** Applies what a worker found (V4); `unknown` when it is no scoring's result. */
  applyResult(result: RenderScoreResult, now: number): "applied" | "repeated" | "unknown";
  /** Does not take a result: the scoring waits on, for another job. */
  discard(result: RenderScoreResult): void;
  /** Whether an asset is one that waits. */
  keepsAsset(sha256: string): boolean;
  /** Ends what has run out of time, and forgets what ended long ago; some at a time. */
  tick(now: number): void;
}

export interface ScoringsOptions {
  readonly store: Store;
  readonly assets: AssetFiles;
  readonly uploads: Uploads;
  readonly reports: Pick<Reports, "vouch">;
  readonly rules: RuleSet;
  readonly limits: ScoringLimits;
  /** Whether others have the asset, too (V3). */
  readonly isAssetOfOthers: (sha256: string) => boolean;
  /** Told of each end once it is stored. */
  readonly onEnded: (end: ScoringEnd) => void;
  /** Told of a file that could not be removed. */
  readonly onTrouble: (what: string, error: unknown) => void;
}

/** An upload has this long, and then a worker has; in ms. */
const openMs = 3_600_000;
/** For how long its end is remembered, in ms. */
const endedMs = 24 * 3_600_000;
/** Code of a failure that is ours. */
const systemFault = "system-fault";
/** How many a tick ends or forgets. */
const atOnce = 100;

const countRow = z.object({ count: z.number() });
const idRow = z.object({ id: z.string(), state: z.string() });

export function createScorings(options: ScoringsOptions): Scorings {
  const { store, assets, uploads, reports, rules, limits } = options;
  const changes = new EventEmitter().setMaxListeners(0);
  /** What is being removed. */
  const releasing = new Set<Promise<void>>();
  /** Pieces of one asset are written one after the other. */
  const writing = new Map<string, Promise<UploadOutcome>>();

  const get = (id: string): Scoring | undefined => {
    const row = store.get("SELECT * FROM scorings WHERE id = ?", id);
    return row === undefined ? undefined : parseScoring(row);
  };
  const keepsAsset = (sha256: string): boolean =>
    store.get(
      "SELECT 1 FROM scorings WHERE asset_sha256 = ? AND ended_at IS NULL LIMIT 1",
      sha256,
    ) !== undefined;

  /** V3 */
  const release = async ({ id, sha256 }: Scoring): Promise<void> => {
    await uploads.remove(id);
    if (!keepsAsset(sha256) && !options.isAssetOfOthers(sha256)) {
      await assets.remove(sha256);
    }
  };

  const end = (
    id: string,
    outcome: { readonly report: ScoreReport } | NonNullable<Scoring["failure"]>,
    now: number,
    by?: ScoringEnd["by"],
  ): boolean =>
    store.transaction(() => {
      const scoring = get(id);
      const isScored = "report" in outcome;
      const isFault = !isScored && outcome.code === systemFault;
      const isOverruled = scoring?.failure?.code === systemFault && by !== undefined && !isFault; // V4
      if (scoring === undefined || (isScoringEnded(scoring.state) && !isOverruled)) {
        return false;
      }
      store.run(
        `UPDATE scorings SET state = ?, updated_at = ?, ended_at = ?, expires_at = ?, failure_code = ?,
           failure_message = ?, report = ? WHERE id = ?`,
        isScored ? "scored" : "failed",
        ...[now, now, now + endedMs],
        ...(isScored ? [null, null] : [outcome.code, outcome.message]),
        isScored ? toBinary(ScoreReportSchema, outcome.report) : null,
        id,
      );
      store.run("DELETE FROM scoring_jobs WHERE id = ?", id);
      store.afterCommit(() => {
        changes.emit(id);
        const waitedMs = scoring.state === "uploading" ? undefined : now - +scoring.updatedAt;
        options.onEnded({ scoring: get(id) ?? scoring, waitedMs, by });
        const removal = release(scoring)
          .catch((error: unknown) =>
            options.onTrouble("the asset of a scoring could not be removed", error),
          )
          .finally(() => releasing.delete(removal));
        releasing.add(removal);
      });
      return true;
    });

  /** V1 */
  const queue = (id: string, now: number): void =>
    store.transaction(() => {
      store.run(
        "UPDATE scorings SET state = 'queued', updated_at = ?, expires_at = ? WHERE id = ? AND state = 'uploading'",
        ...[now, now + openMs, id],
      );
      store.run(
        "INSERT INTO scoring_jobs (id, traceparent) VALUES (?, ?)",
        id,
        activeTraceparent() ?? null,
      );
      store.afterCommit(() => changes.emit(id));
    });

  const take = async (
    id: string,
    offset: number,
    piece: Uint8Array,
    now: number,
  ): Promise<UploadOutcome> => {
    const scoring = get(id);
    if (scoring === undefined || isScoringEnded(scoring.state)) {
      return { kind: "ended" };
    }
    const { sizeBytes, sha256 } = scoring;
    if (offset + piece.length > sizeBytes) {
      return { kind: "surplus" };
    }
    if (scoring.state === "queued") {
      return { kind: "received", bytes: sizeBytes, isWhole: true };
    }
    const before = await uploads.size(id);
    if (offset > before) {
      return { kind: "gap", bytes: before };
    }
    const bytes = Math.max(before, offset + piece.length);
    if (bytes > before) {
      await uploads.write(id, offset, piece);
    }
    if (bytes < sizeBytes) {
      return { kind: "received", bytes, isWhole: false };
    }
    const whole = await uploads.read(id);
    if (whole.length !== sizeBytes || hash("sha256", whole, "hex") !== sha256) {
      await uploads.remove(id);
      return { kind: "wrong-hash" };
    }
    using _saved = await assets.save(whole, sha256);
    if (get(id)?.state !== "uploading") {
      return { kind: "ended" }; // it was cancelled meanwhile
    }
    queue(id, now);
    await uploads.remove(id);
    return { kind: "received", bytes, isWhole: true };
  };

  const stillPending = (id: string): PendingScoring | undefined => {
    const row = store.get(
      "SELECT * FROM scoring_jobs JOIN scorings USING (id) WHERE scoring_jobs.id = ?",
      id,
    );
    return row === undefined ? undefined : parsePendingScoring(row);
  };

  const fullFor = (client: string): CreateScoringOutcome | undefined => {
    const all = countRow.parse(
      store.get("SELECT count(*) AS count FROM scorings WHERE ended_at IS NULL"),
    );
    if (all.count >= limits.open) {
      return { kind: "full", of: "all", limit: limits.open };
    }
    const own = countRow.parse(
      store.get(
        "SELECT count(*) AS count FROM scorings WHERE ended_at IS NULL AND client = ?",
        client,
      ),
    );
    return own.count >= limits.openOfClient
      ? { kind: "full", of: "client", limit: limits.openOfClient }
      : undefined;
  };

  return {
    create: (request, now) =>
      store.transaction(() => {
        const { client, prompt, sizeBytes, sha256, encoding, requestId } = request;
        const known =
          requestId === undefined
            ? undefined
            : store.get(
                "SELECT * FROM scorings WHERE client = ? AND request_id = ?",
                client,
                requestId,
              );
        if (known !== undefined) {
          const scoring = parseScoring(known);
          const isSame = scoring.prompt === prompt && scoring.sha256 === sha256;
          return isSame ? { kind: "repeated", scoring } : { kind: "conflict" };
        }
        const full = fullFor(client); // V2
        if (full !== undefined) {
          return full;
        }
        const id = randomUUID();
        store.run(
          `INSERT INTO scorings (id, client, request_id, prompt, state, camera_seed, format, format_version,
             compression, asset_sha256, asset_size, created_at, updated_at, expires_at)
           VALUES (?, ?, ?, ?, 'uploading', ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
          ...[id, client, requestId ?? null, prompt],
          randomBytes(8).readBigUInt64BE().toString(),
          ...[encoding.format, encoding.version, encoding.compression, sha256, sizeBytes],
          ...[now, now, now + openMs],
        );
        const scoring = get(id);
        if (scoring === undefined) {
          throw new Error(`scoring ${id} was not stored`);
        }
        return { kind: "created", scoring };
      }),
    get,
    receivedBytes: async ({ id, state, sizeBytes }) =>
      state === "uploading" ? await uploads.size(id) : sizeBytes,
    upload(id, offset, piece, now) {
      const before = writing.get(id) ?? Promise.resolve();
      const taking = before.catch(() => undefined).then(() => take(id, offset, piece, now));
      writing.set(id, taking);
      return taking.finally(() => {
        if (writing.get(id) === taking) {
          writing.delete(id);
        }
      });
    },
    cancel: (id, now) =>
      void end(id, { code: "cancelled", message: "the client asked for that" }, now),
    async *watch(id, signal) {
      const changed = on(changes, id, { signal }); // before the first look: nothing is missed
      try {
        for (;;) {
          const scoring = get(id);
          if (scoring === undefined) {
            return;
          }
          yield scoring;
          if (isScoringEnded(scoring.state) || (await changed.next()).done) {
            return;
          }
        }
      } catch (error) {
        if (!signal.aborted) {
          throw error;
        }
      } finally {
        await changed.return?.(undefined);
      }
    },
    pending: (after, limit) =>
      store
        .all(
          `SELECT * FROM scoring_jobs JOIN scorings USING (id) WHERE sequence > ?
           ORDER BY sequence LIMIT ?`,
          after,
          limit,
        )
        .map(parsePendingScoring),
    stillPending,
    countPending: () =>
      countRow.parse(store.get("SELECT count(*) AS count FROM scoring_jobs WHERE sequence > 0"))
        .count,
    async job(scoring) {
      const asset = await assets.load(scoring.sha256);
      if (asset === undefined) {
        return undefined;
      }
      const { format, version, compression } = scoring.encoding;
      return create(RenderScoreJobSchema, {
        jobId: scoring.id,
        submissionId: scoring.id,
        replica: scoring.replica,
        class: JobClass.SCORING,
        profile: rules.profile,
        acceptance: rules.acceptance,
        prompt: scoring.prompt,
        cameraSeed: scoring.cameraSeed,
        encoding: { format, version, compression },
        assetSha256: Buffer.from(scoring.sha256, "hex"),
        assetSizeBytes: BigInt(scoring.sizeBytes),
        asset: { case: "inlineAsset", value: asset },
        deadline: timestampFromDate(scoring.expiresAt),
      });
    },
    markDispatched: (id, dispatch) =>
      store.run("UPDATE scoring_jobs SET dispatch = ? WHERE id = ?", dispatch, id),
    fail: (id, reason, now) => void end(id, { code: systemFault, message: reason }, now),
    applyResult(result, now) {
      const { submissionId: id, outcome } = result;
      if (get(id) === undefined) {
        return "unknown";
      }
      const ended = (how: Parameters<typeof end>[1]): "applied" | "repeated" =>
        end(id, how, now, result) ? "applied" : "repeated";
      if (outcome.case === "scored" && outcome.value.score >= 0 && outcome.value.score <= 1) {
        const fidelity = fidelityOf(rules, outcome.value.score);
        return ended({ report: reports.vouch({ ...outcome.value, fidelity }) });
      }
      if (outcome.case === "invalidAsset") {
        const { code, message } = outcome.value;
        return ended({ code: "invalid-asset", message: `${code}: ${message}` });
      }
      return ended({ code: systemFault, message: "scoring failed" });
    },
    discard: ({ submissionId, replica }) =>
      store.run(
        "UPDATE scoring_jobs SET replica = replica + 1 WHERE id = ? AND replica = ?",
        submissionId,
        replica,
      ),
    keepsAsset,
    tick(now) {
      const due = store
        .all(
          "SELECT id, state FROM scorings WHERE expires_at <= ? ORDER BY expires_at LIMIT ?",
          now,
          atOnce,
        )
        .map((row) => idRow.parse(row));
      for (const { id, state } of due) {
        if (state === "scored" || state === "failed") {
          store.run("DELETE FROM scorings WHERE id = ?", id);
        } else {
          const what =
            state === "queued" ? "nobody scored it in time" : "the upload was not finished";
          end(id, { code: "expired", message: what }, now);
        }
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.allSettled([...writing.values(), ...releasing]);
    },
  };
}
