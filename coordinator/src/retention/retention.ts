/**
 * Removes what nobody needs any more, so that a coordinator can run for months.
 *
 * K1 What is open stays: a submission without a verdict and its asset, a task with an assignment that has not ended.
 * K2 What the miners' window counts stays, and so do the tasks that ended within it, whatever their number, and those
 *    that duplicates are told by.
 * K3 A step removes a bounded number of things in one transaction, so that nobody waits for it for long; what is left
 *    comes with the next one.
 * K4 A row says that its asset is removed before the file goes. A file without a row is removed by the sweep, but never
 *    one that is being saved.
 * K5 What waits to be stored outside stays, for the queue of that is bounded.
 */
import { z } from "zod";
import type { AssetFiles, Store } from "../store/index.ts";
import type { TaskClass } from "../tasks/index.ts";
import type { RetentionLimits } from "./limits.ts";

export interface RetentionOptions {
  readonly store: Store;
  readonly assets: AssetFiles;
  /** Whether some submission's asset is this one and still kept. */
  readonly keepsAsset: (sha256: string) => boolean;
  readonly limits: RetentionLimits;
  /** An accepted result counts for this long, in ms. */
  readonly windowMs: number;
  /** A submission is looked for as a duplicate's original for this long, in ms. */
  readonly duplicateWindowMs: number;
}

/** How much a step has removed. */
export interface Removed {
  readonly assets: number;
  readonly tasks: number;
  /** Files that belonged to nothing. */
  readonly orphans: number;
}

/** Disposing it ends the walk through the files. */
export interface Retention extends AsyncDisposable {
  /** Counts an asset that was just taken. */
  added(sizeBytes: number): void;
  /**
   * One step (K3): to be called about every second.
   * @param now ms since 1970 UTC
   */
  step(now: number): Promise<Removed>;
  /** How many bytes all kept assets have; the same bytes submitted twice count twice. */
  assetBytes(): number;
  /** How many bytes the database uses, without what is free in its file. */
  databaseBytes(): number;
}

/** How many rows of each kind a step looks at. */
const assetsAStep = 100;
const tasksAStep = 50;
const windowRowsAStep = 500;
const filesAStep = 200;
/** Pages that a step gives back to the disk. */
const pagesAStep = 256;
/** Free pages that are left for what comes: 1 in this many, and at least as many as a step gives back. */
const sparePages = 16;
/** From the end of a walk through the assets to the begin of the next, in ms. */
const sweepEveryMs = 3_600_000;
/** Observations are kept beyond their window, should the clock be set back; ms. */
const windowMarginMs = 24 * 3_600_000;

const bytesRow = z.object({ bytes: z.number() });
const idRow = z.object({ id: z.string() });
const assetRow = z.object({ id: z.string(), asset_sha256: z.string(), asset_size: z.number() });
type AssetRow = z.infer<typeof assetRow>;

/** The retention of `store` and `assets`. It reads once how much there is, and counts from then on. */
export function createRetention(options: RetentionOptions): Retention {
  const { store, assets, limits } = options;
  let assetBytes = bytesRow.parse(
    store.get(
      "SELECT coalesce(sum(asset_size), 0) AS bytes FROM submissions WHERE keep IS NOT NULL",
    ),
  ).bytes;
  let walk: AsyncGenerator<string> | undefined;
  let nextWalkAt = 0;

  const pragma = (name: "page_count" | "freelist_count" | "page_size"): number => {
    const row = z.record(z.string(), z.number()).parse(store.get(`PRAGMA ${name}`));
    return row[name] ?? 0;
  };
  const databaseBytes = (): number =>
    (pragma("page_count") - pragma("freelist_count")) * pragma("page_size");

  const removeFiles = async (rows: readonly AssetRow[]): Promise<void> => {
    for (const row of rows) {
      assetBytes -= row.asset_size;
    }
    for (const sha256 of new Set(rows.map((row) => row.asset_sha256))) {
      if (!options.keepsAsset(sha256)) {
        await assets.remove(sha256); // K4
      }
    }
  };

  const oldestAssets = (keep: "short" | "long", endedBy: number, limit: number) =>
    store
      .all(
        `SELECT id, asset_sha256, asset_size FROM submissions WHERE keep = ? AND ended_at <= ?
           AND NOT EXISTS (SELECT 1 FROM storage_queue q WHERE q.id = submissions.id)
         ORDER BY ended_at LIMIT ?`,
        keep,
        endedBy,
        limit,
      )
      .map((row) => assetRow.parse(row)); // K5

  /** The oldest until what is left fits, results after all others. Only what has its verdict is in there (K1). */
  const surplusAssets = (now: number, spared: readonly AssetRow[]): readonly AssetRow[] => {
    const known = new Set(spared.map(({ id }) => id));
    let over = assetBytes - limits.assetBytes - bytesOf(spared);
    const surplus: AssetRow[] = [];
    for (const keep of ["short", "long"] as const) {
      if (over <= 0) {
        break;
      }
      for (const row of oldestAssets(keep, now, known.size + assetsAStep)) {
        if (over <= 0 || surplus.length === assetsAStep) {
          break;
        }
        if (known.has(row.id)) {
          continue;
        }
        surplus.push(row);
        over -= row.asset_size;
      }
    }
    return surplus;
  };

  const removeAssets = async (now: number): Promise<number> => {
    const due = [
      ...oldestAssets("short", now - limits.otherAssetMs, assetsAStep),
      ...oldestAssets("long", now - limits.resultMs, assetsAStep),
    ];
    const rows = [...due, ...surplusAssets(now, due)];
    if (rows.length === 0) {
      return 0;
    }
    store.transaction(() => {
      for (const { id } of rows) {
        store.run("UPDATE submissions SET keep = NULL WHERE id = ?", id);
      }
    });
    await removeFiles(rows);
    return rows.length;
  };

  const endedTasks = (taskClass: TaskClass, endedBy: number): readonly string[] =>
    store
      .all(
        `SELECT id FROM tasks t WHERE class = ? AND ended_at <= ?
           AND NOT EXISTS (SELECT 1 FROM assignments a WHERE a.task_id = t.id AND a.ended_at IS NULL)
           AND NOT EXISTS (SELECT 1 FROM assignments a JOIN storage_queue q ON q.id = a.id
             WHERE a.task_id = t.id)
         ORDER BY ended_at LIMIT ?`,
        taskClass,
        endedBy,
        tasksAStep,
      )
      .map((row) => idRow.parse(row).id); // K1, K5

  const dueTasks = (now: number): readonly string[] => {
    const inWindow = now - Math.max(options.windowMs, options.duplicateWindowMs); // K2
    const due = [
      ...endedTasks("synthetic", Math.min(now - limits.syntheticTaskMs, inWindow)),
      ...endedTasks("organic", Math.min(now - limits.organicTaskMs, inWindow)),
    ];
    if (due.length > 0 || databaseBytes() <= limits.databaseBytes) {
      return due;
    }
    const synthetic = endedTasks("synthetic", inWindow);
    return synthetic.length > 0 ? synthetic : endedTasks("organic", inWindow);
  };

  const removeTasks = async (now: number): Promise<number> => {
    const ids = dueTasks(now);
    if (ids.length === 0) {
      return 0;
    }
    const files: AssetRow[] = [];
    store.transaction(() => {
      for (const id of ids) {
        const kept = store.all(
          `SELECT s.id, asset_sha256, asset_size FROM assignments a JOIN submissions s ON s.id = a.id
           WHERE a.task_id = ? AND s.keep IS NOT NULL`,
          id,
        );
        files.push(...kept.map((row) => assetRow.parse(row)));
        store.run(
          "DELETE FROM reports WHERE id IN (SELECT id FROM assignments WHERE task_id = ?)",
          id,
        );
        store.run(
          "DELETE FROM submissions WHERE id IN (SELECT id FROM assignments WHERE task_id = ?)",
          id,
        );
        store.run("DELETE FROM assignments WHERE task_id = ?", id);
        store.run("DELETE FROM task_events WHERE task_id = ?", id);
        store.run("DELETE FROM tasks WHERE id = ?", id);
      }
    });
    await removeFiles(files);
    return ids.length;
  };

  const removeObservations = (now: number): void =>
    store.run(
      `DELETE FROM observations WHERE assignment_id IN
         (SELECT assignment_id FROM observations WHERE at <= ? ORDER BY at LIMIT ?)`,
      now - options.windowMs - windowMarginMs, // K2
      windowRowsAStep,
    );

  const forgetPrompts = (now: number): void =>
    store.run(
      `DELETE FROM prompts_lent WHERE (hotkey, prompt) IN
         (SELECT hotkey, prompt FROM prompts_lent WHERE at <= ? ORDER BY at LIMIT ?)`,
      now - options.windowMs, // K2
      windowRowsAStep,
    );

  const giveSpaceBack = (): void => {
    const spare = Math.max(pagesAStep, Math.floor(pragma("page_count") / sparePages));
    if (pragma("freelist_count") > spare) {
      store.all("PRAGMA incremental_vacuum(256)");
    }
  };

  /** Goes on with the walk through the files; the first one begins at once. */
  const sweep = async (now: number): Promise<number> => {
    if (walk === undefined && now < nextWalkAt) {
      return 0;
    }
    walk ??= assets.walk();
    let removed = 0;
    for (let seen = 0; seen < filesAStep; seen++) {
      const next = await walk.next();
      if (next.done) {
        walk = undefined;
        nextWalkAt = now + sweepEveryMs;
        return removed;
      }
      if (!options.keepsAsset(next.value) && (await assets.remove(next.value))) {
        removed++; // K4
      }
    }
    return removed;
  };

  return {
    added(sizeBytes) {
      assetBytes += sizeBytes;
    },
    async step(now) {
      const removedAssets = await removeAssets(now);
      const tasks = await removeTasks(now);
      removeObservations(now);
      forgetPrompts(now);
      giveSpaceBack();
      return { assets: removedAssets, tasks, orphans: await sweep(now) };
    },
    assetBytes: () => assetBytes,
    databaseBytes,
    async [Symbol.asyncDispose]() {
      await walk?.return(undefined);
    },
  };
}

function bytesOf(rows: readonly AssetRow[]): number {
  return rows.reduce((sum, row) => sum + row.asset_size, 0);
}
