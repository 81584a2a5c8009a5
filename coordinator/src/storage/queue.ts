/**
 * What waits to be stored outside, and what was: the queue and the catalogue.
 *
 * Q1 An accepted asset is queued in the transaction of its verdict, and leaves the queue in the one that writes it into
 *    the catalogue: kill -9 neither loses nor doubles it.
 * Q2 The queue of each target is bounded in assets and bytes, since what waits stays on the disk. When it is full, what
 *    comes is not stored there.
 */
import { z } from "zod";
import type { Store } from "../store/index.ts";

/** What is to be known of a target before something is queued for it. */
export interface QueueTarget {
  readonly name: string;
  readonly maxAssetBytes: number;
}

export interface QueueLimits {
  /** Assets that may wait for each target. */
  readonly assets: number;
  /** Bytes that may. */
  readonly bytes: number;
}

export interface QueuedAsset {
  /** The submission's. */
  readonly id: string;
  readonly sizeBytes: number;
  readonly assetSha256: string;
}

/** Why an asset was not queued. */
export type NotQueued = "full" | "too-large";

export interface DueAsset {
  readonly id: string;
  /** How often it was tried before. */
  readonly tries: number;
}

export interface StoredEntry {
  readonly target: string;
  readonly id: string;
  /** What it is known by there. */
  readonly contentId: string;
  /** ms since 1970 UTC */
  readonly at: number;
  /** For how long it stays there, in ms; undefined when nothing ends it. */
  readonly keepsMs: number | undefined;
}

/** `target` is a target's name, `now` ms since 1970 UTC throughout. */
export interface StorageQueue {
  /** Queues an asset for each target that does not have it. To be called in the transaction of its verdict (Q1). */
  add(asset: QueuedAsset, now: number): void;
  /** Those whose time has come, oldest first. */
  due(target: string, now: number, limit: number): readonly DueAsset[];
  /** It is stored: out of the queue, and into the catalogue. */
  stored(entry: StoredEntry): void;
  /** A try has failed; the next one comes at `nextAt`. */
  failed(target: string, id: string, error: string, nextAt: number): void;
  /** It will not be stored. */
  drop(target: string, id: string): void;
  /** What waits. */
  waiting(target: string): { readonly assets: number; readonly bytes: number };
}

/** Rows of the catalogue; above it the oldest go: some hundreds of bytes each. */
const catalogueRows = 1_000_000;

const dueRow = z.object({ id: z.string(), tries: z.number() });
const waitingRow = z.object({ assets: z.number(), bytes: z.number() });
const targetRow = z.object({ target: z.string() });
const assetRow = z.object({ asset_sha256: z.string() });

/**
 * The queue in `store`.
 * @param onNotQueued told, once the verdict is on disk, of an asset that was not queued
 */
export function createStorageQueue(
  store: Store,
  targets: readonly QueueTarget[],
  limits: QueueLimits,
  onNotQueued: (target: string, id: string, reason: NotQueued) => void,
): StorageQueue {
  const waiting = (target: string) =>
    waitingRow.parse(
      store.get(
        `SELECT count(*) AS assets, coalesce(sum(asset_size), 0) AS bytes FROM storage_queue
         WHERE target = ?`,
        target,
      ),
    );
  const refusalOf = (
    { name, maxAssetBytes }: QueueTarget,
    sizeBytes: number,
  ): NotQueued | undefined => {
    if (sizeBytes > maxAssetBytes) {
      return "too-large";
    }
    const { assets, bytes } = waiting(name);
    return assets >= limits.assets || bytes + sizeBytes > limits.bytes ? "full" : undefined; // Q2
  };
  const isKnown = (target: string, sha256: string, now: number): boolean =>
    store.get(
      `SELECT 1 FROM stored_assets WHERE asset_sha256 = ?1 AND target = ?2
         AND (expires_at IS NULL OR expires_at > ?3)
       UNION ALL
       SELECT 1 FROM storage_queue WHERE asset_sha256 = ?1 AND target = ?2`,
      sha256,
      target,
      now,
    ) !== undefined;
  const drop = (target: string, id: string): void =>
    store.run("DELETE FROM storage_queue WHERE target = ? AND id = ?", target, id);

  forgetOthers(store, new Set(targets.map(({ name }) => name)));
  return {
    add({ id, sizeBytes, assetSha256 }, now) {
      for (const target of targets) {
        if (isKnown(target.name, assetSha256, now)) {
          continue;
        }
        const refusal = refusalOf(target, sizeBytes);
        if (refusal !== undefined) {
          store.afterCommit(() => onNotQueued(target.name, id, refusal));
          continue;
        }
        store.run(
          `INSERT INTO storage_queue (target, id, asset_sha256, asset_size, queued_at, tries, next_at, error)
           VALUES (?1, ?2, ?3, ?4, ?5, 0, ?5, '')`,
          target.name,
          id,
          assetSha256,
          sizeBytes,
          now,
        );
      }
    },
    due: (target, now, limit) =>
      store
        .all(
          `SELECT id, tries FROM storage_queue WHERE target = ? AND next_at <= ?
           ORDER BY next_at LIMIT ?`,
          target,
          now,
          limit,
        )
        .map((row) => dueRow.parse(row)),
    stored: ({ target, id, contentId, at, keepsMs }) =>
      store.transaction(() => {
        const { asset_sha256 } = assetRow.parse(
          store.get(
            "SELECT asset_sha256 FROM storage_queue WHERE target = ? AND id = ?",
            target,
            id,
          ),
        );
        store.run(
          "DELETE FROM stored_assets WHERE asset_sha256 = ? AND target = ?",
          asset_sha256,
          target,
        );
        store.run(
          `INSERT INTO stored_assets (asset_sha256, target, id, content_id, stored_at, expires_at)
           VALUES (?, ?, ?, ?, ?, ?)`,
          asset_sha256,
          target,
          id,
          contentId,
          at,
          keepsMs === undefined ? null : at + keepsMs,
        );
        store.run(
          "DELETE FROM stored_assets WHERE sequence <= (SELECT max(sequence) FROM stored_assets) - ?",
          catalogueRows,
        );
        drop(target, id);
      }),
    failed: (target, id, error, nextAt) =>
      store.run(
        "UPDATE storage_queue SET tries = tries + 1, error = ?, next_at = ? WHERE target = ? AND id = ?",
        error,
        nextAt,
        target,
        id,
      ),
    drop,
    waiting,
  };
}

/** What waits for a target that there is no more would be kept for ever. */
function forgetOthers(store: Store, targets: ReadonlySet<string>): void {
  let last = "";
  for (;;) {
    const row = targetRow
      .optional()
      .parse(
        store.get(
          "SELECT target FROM storage_queue WHERE target > ? ORDER BY target LIMIT 1",
          last,
        ),
      );
    if (row === undefined) {
      return;
    }
    last = row.target;
    if (!targets.has(last)) {
      store.run("DELETE FROM storage_queue WHERE target = ?", last);
    }
  }
}
