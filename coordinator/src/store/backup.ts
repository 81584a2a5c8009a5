/**
 * A copy of the data directory of a coordinator that may run meanwhile.
 *
 * B1 The copy is the database of one moment and every asset that it refers to: what is in it was acknowledged by then.
 * B2 It is made under a name of its own, and renamed when all of it is on disk: a folder of the name that was asked for
 *    is whole. What an interrupted one left is removed by the next with that name.
 * B3 Assets never change, so where both lie on one disk they are linked and not copied, which takes no room.
 */
import { constants, existsSync } from "node:fs";
import {
  copyFile,
  link,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  statfs,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { isMissing, syncFolder } from "./asset-files.ts";
import { assetNames } from "./check.ts";
import { coordinatorMigrations } from "./schema.ts";
import { databaseName, keysName, openReadOnly } from "./store.ts";
import { isStorageFull, StorageFullError, StoreError } from "./store-error.ts";

export interface BackupOptions {
  /** Copies assets even where they could be linked. */
  readonly copyAssets: boolean;
  /** Told of how far it is: the database in pages, then the assets. */
  readonly onProgress?: (part: "database" | "assets", done: number, of: number) => void;
}

export interface Backup {
  readonly databaseBytes: number;
  readonly assets: number;
  /** Whether they are links to the coordinator's own files. */
  readonly linked: boolean;
  /** Assets that the data directory should have and has not. */
  readonly missing: readonly string[];
}

/** Says what the folder is; written first, so that an interrupted one is known as such. */
const manifestName = "backup.json";
/** Hashes of the API keys that were made here: small, and rarely changed. */
const besides = [keysName];
const partialSuffix = ".partial";
/** Pages that are copied between two looks at the progress: 16 MiB. */
const pagesAStep = 4096;
/** Assets between two tellings of the progress. */
const assetsAStep = 1_000;

const referredAssets = `SELECT asset_sha256 FROM submissions WHERE keep IS NOT NULL
  UNION SELECT asset_sha256 FROM scorings WHERE ended_at IS NULL AND state = 'queued'`;
export const isKept = `
  SELECT 1 FROM submissions WHERE asset_sha256 = ?1 AND keep IS NOT NULL
  UNION ALL SELECT 1 FROM scorings WHERE asset_sha256 = ?1 AND ended_at IS NULL AND state = 'queued' LIMIT 1`;

const assetRow = z.object({ asset_sha256: z.string() });
const sizeRow = z.object({ count: z.number(), bytes: z.number() });

/**
 * Copies the data directory to `destination`, which must not be there yet.
 * @throws StoreError when there is no database of this version or the destination is taken, StorageFullError when its
 * disk has no room; nothing is left there then
 */
export async function backUpStore(
  directory: string,
  destination: string,
  options: BackupOptions,
): Promise<Backup> {
  const target = resolve(destination);
  const partial = `${target}${partialSuffix}`;
  using source = openReadOnly(directory);
  await refuseTaken(target);
  await removeInterrupted(partial);
  await refuseWithoutRoom(source, directory, target, options);
  await mkdir(partial, { mode: 0o700 });
  try {
    const manifest = { startedAt: new Date().toISOString(), schema: coordinatorMigrations.length };
    await writeSynced(join(partial, manifestName), manifest);
    await mkdir(join(partial, "assets"), { mode: 0o700 });
    const made = await copyAll(source, directory, partial, options);
    await writeSynced(join(partial, manifestName), { ...manifest, ...made });
    await syncFolder(join(partial, "assets"));
    await syncFolder(partial);
    await rename(partial, target); // B2
    await syncFolder(dirname(target));
    return made;
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw isStorageFull(error) ? noRoom(target, error) : error;
  }
}

async function copyAll(
  source: DatabaseSync,
  directory: string,
  partial: string,
  options: BackupOptions,
): Promise<Backup> {
  const assets = createAssetCopies(join(directory, "assets"), join(partial, "assets"), options);
  // First those that are there now, so that none of the moment that follows can be removed before it is copied.
  let present = 0;
  for await (const sha256 of assetNames(join(directory, "assets"))) {
    await assets.copy(sha256);
    if (++present % assetsAStep === 0) {
      options.onProgress?.("assets", present, present);
    }
  }
  holdMoment(source);
  const file = join(partial, databaseName);
  await backup(source, file, {
    rate: pagesAStep,
    progress: ({ totalPages, remainingPages }) =>
      options.onProgress?.("database", totalPages - remainingPages, totalPages),
  });
  await copyBesides(directory, partial);
  using copy = openCopy(file);
  const { count, missing } = await copyReferred(copy, directory, assets);
  await assets.removeOthers(copy);
  options.onProgress?.("assets", count, count);
  const pageBytes = Number(copy.prepare("PRAGMA page_size").get()?.page_size);
  const pages = Number(copy.prepare("PRAGMA page_count").get()?.page_count);
  return { databaseBytes: pages * pageBytes, assets: count, linked: assets.areLinked(), missing };
}

/**
 * Copies the database alone, as it is when this is called.
 * @param file to make, or to make anew
 */
export async function copyDatabase(directory: string, file: string): Promise<void> {
  using source = openReadOnly(directory);
  holdMoment(source);
  await rm(file, { force: true });
  await backup(source, file, { rate: pagesAStep });
}

/** An open read transaction holds the moment: the copy would otherwise begin anew whenever somebody writes. */
function holdMoment(source: DatabaseSync): void {
  source.exec("BEGIN");
  source.prepare("SELECT count(*) FROM sqlite_schema").get();
}

/** Copies the databases beside the coordinator's own that have to outlive it. */
async function copyBesides(directory: string, partial: string): Promise<void> {
  for (const name of besides) {
    if (existsSync(join(directory, name))) {
      using source = new DatabaseSync(join(directory, name), { readOnly: true });
      await backup(source, join(partial, name));
      using _copy = openCopy(join(partial, name));
    }
  }
}

/** Copies what came between the first look and the moment of the copied database (B1). */
async function copyReferred(
  copy: DatabaseSync,
  directory: string,
  assets: ReturnType<typeof createAssetCopies>,
): Promise<{ readonly count: number; readonly missing: readonly string[] }> {
  using current = openReadOnly(directory);
  const isKeptNow = current.prepare(isKept);
  const missing: string[] = [];
  const removed: string[] = [];
  let count = 0;
  for (const row of copy.prepare(referredAssets).iterate()) {
    const { asset_sha256: sha256 } = assetRow.parse(row);
    if (await assets.copy(sha256)) {
      count++;
    } else if (isKeptNow.get(sha256) === undefined) {
      removed.push(sha256);
    } else {
      missing.push(sha256);
    }
  }
  for (const sha256 of removed) {
    // Retention has removed it meanwhile, and so it does in the copy.
    copy.prepare("UPDATE submissions SET keep = NULL WHERE asset_sha256 = ?").run(sha256);
  }
  return { count, missing };
}

/** The copied database, as one file without a log beside it. */
function openCopy(file: string): DatabaseSync {
  const copy = new DatabaseSync(file);
  copy.exec("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL");
  return copy;
}

function createAssetCopies(from: string, to: string, { copyAssets }: BackupOptions) {
  let canLink = !copyAssets;
  return {
    areLinked: () => canLink,
    /** False when there is no such file. Copying again does nothing. */
    async copy(sha256: string): Promise<boolean> {
      const target = join(to, sha256);
      if (existsSync(target)) {
        return true;
      }
      try {
        canLink &&= await tryLink(join(from, sha256), target); // B3
        if (!canLink) {
          await copyFile(join(from, sha256), target, constants.COPYFILE_EXCL);
          await using file = await open(target, "r");
          await file.sync();
        }
        return true;
      } catch (error) {
        if (isMissing(error)) {
          return false;
        }
        throw error;
      }
    },
    /** Removes what the copied database does not refer to. */
    async removeOthers(copy: DatabaseSync): Promise<void> {
      const isKeptThen = copy.prepare(isKept);
      for await (const sha256 of assetNames(to)) {
        if (isKeptThen.get(sha256) === undefined) {
          await rm(join(to, sha256));
        }
      }
    },
  };
}

/** Codes of a file system, or a pair of them, that has no links. */
const noLinks = new Set(["EXDEV", "EPERM", "EMLINK", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]);

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && noLinks.has(String(error.code))) {
      return false;
    }
    throw error;
  }
}

async function refuseTaken(target: string): Promise<void> {
  if (existsSync(target)) {
    throw new StoreError(`${target}: is there already; give a name that is free`);
  }
  if (!existsSync(dirname(target))) {
    throw new StoreError(
      `${dirname(target)}: there is no such folder to put ${basename(target)} in`,
    );
  }
}

/** Removes what an interrupted backup left (B2), and nothing that is no such thing. */
async function removeInterrupted(partial: string): Promise<void> {
  if (!existsSync(partial)) {
    return;
  }
  const names = await readdir(partial);
  if (names.length > 0 && !names.includes(manifestName)) {
    throw new StoreError(`${partial}: is in the way, and no interrupted backup; move it away`);
  }
  await rm(partial, { recursive: true });
}

async function refuseWithoutRoom(
  source: DatabaseSync,
  directory: string,
  target: string,
  { copyAssets }: BackupOptions,
): Promise<void> {
  const pages = Number(source.prepare("PRAGMA page_count").get()?.page_count);
  const pageBytes = Number(source.prepare("PRAGMA page_size").get()?.page_size);
  const assets = sizeRow.parse(
    source
      .prepare(
        `SELECT count(*) AS count, coalesce(sum(asset_size), 0) AS bytes FROM
         (SELECT max(asset_size) AS asset_size FROM submissions WHERE keep IS NOT NULL GROUP BY asset_sha256)`,
      )
      .get(),
  );
  const [from, to] = await Promise.all([open(directory, "r"), open(dirname(target), "r")]);
  await using _from = from;
  await using _to = to;
  const isOneDisk = (await from.stat()).dev === (await to.stat()).dev;
  const needed = pages * pageBytes + (isOneDisk && !copyAssets ? 0 : assets.bytes);
  const { bavail, bsize } = await statfs(dirname(target));
  if (bavail * bsize < needed) {
    throw new StorageFullError(
      `${dirname(target)}: ${mebibytes(bavail * bsize)} MiB are free, the backup needs ${mebibytes(needed)} MiB`,
    );
  }
}

function noRoom(target: string, cause: unknown): StorageFullError {
  return new StorageFullError(`${target}: the disk is full; nothing of the backup was left`, {
    cause,
  });
}

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 1024 ** 2);
}

async function writeSynced(path: string, value: unknown): Promise<void> {
  await writeFile(path, `${JSON.stringify(value, undefined, 2)}\n`, { mode: 0o600, flush: true });
}
