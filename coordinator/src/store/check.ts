/**
 * Whether a data directory is whole: SQLite's own integrity, what has to hold between the tables, and the assets'
 * files. It looks at one moment of the database, also while a coordinator runs, and changes nothing.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { opendir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { isMissing, isSha256 } from "./asset-files.ts";
import { type Invariant, invariants } from "./invariants.ts";
import { coordinatorMigrations } from "./schema.ts";
import { databaseName, openReadOnly, unreadable } from "./store.ts";

/** What was looked at for one kind of fault, and what was found. */
export interface CheckResult {
  readonly name: string;
  /** What has to hold. */
  readonly rule: string;
  /** How many things were looked at. */
  readonly seen: number;
  /** How many of them are not as they have to be. */
  readonly wrong: number;
  /** The first of those, in words. */
  readonly faults: readonly string[];
}

export interface CheckReport {
  readonly schema: number;
  readonly results: readonly CheckResult[];
  /** What is no fault, and worth knowing. */
  readonly notes: readonly string[];
  /** Nothing is wrong. */
  readonly ok: boolean;
}

export interface CheckOptions {
  /** Reads every asset and compares it with its name, which takes as long as reading them all. */
  readonly deep: boolean;
  /** An accepted result counts for this long, in ms: what it needs must be there meanwhile. */
  readonly windowMs: number;
  /** ms since 1970 UTC */
  readonly now: number;
}

/** Faults of one kind that are told in words. */
const toldFaults = 10;
/** Assets whose rows are read at a time. */
const assetsAtOnce = 500;

const faultRow = z.object({ fault: z.string() });
const countRow = z.object({ count: z.number() });
const integrityRow = z.object({ integrity_check: z.string() });
const referenceRow = z.object({ table: z.string(), rowid: z.unknown(), parent: z.string() });
const assetRow = z.object({
  sequence: z.number(),
  asset_sha256: z.string(),
  asset_size: z.number(),
});
type AssetRow = z.infer<typeof assetRow>;

/**
 * Checks the data directory.
 * @throws StoreError when there is no database, one of another version, or nothing of it can be read
 */
export async function checkStore(directory: string, options: CheckOptions): Promise<CheckReport> {
  using database = openReadOnly(directory);
  const results: CheckResult[] = [];
  try {
    database.exec("BEGIN"); // all that follows sees the same moment
    results.push(checkIntegrity(database));
    if (results.every(({ wrong }) => wrong === 0)) {
      results.push(checkReferences(database));
      const since = options.now - options.windowMs;
      results.push(...invariants.map((invariant) => checkInvariant(database, invariant, since)));
    }
  } catch (error) {
    throw unreadable(join(directory, databaseName), error);
  }
  const notes: string[] = [];
  if (results[0]?.wrong !== 0) {
    notes.push("the database is damaged, so nothing else was looked at: restore a backup");
  } else {
    const { result, orphans } = await checkAssets(directory, database, options.deep);
    results.push(result);
    if (orphans > 0) {
      notes.push(`${orphans} files in assets/ belong to nothing; the coordinator removes them`);
    }
    if (!options.deep) {
      notes.push("the assets' bytes were not read; --deep does");
    }
  }
  const ok = results.every(({ wrong }) => wrong === 0);
  return { schema: coordinatorMigrations.length, results, notes, ok };
}

/** Collects faults: all are counted, the first ones told. */
function createFaults() {
  const faults: string[] = [];
  let wrong = 0;
  return {
    add(fault: string): void {
      wrong++;
      if (faults.length < toldFaults) {
        faults.push(fault);
      }
    },
    result: (name: string, rule: string, seen: number): CheckResult => ({
      ...{ name, rule, seen, wrong, faults },
    }),
  };
}

function checkIntegrity(database: DatabaseSync): CheckResult {
  const faults = createFaults();
  try {
    for (const row of database.prepare("PRAGMA integrity_check").iterate()) {
      const { integrity_check: said } = integrityRow.parse(row);
      if (said !== "ok") {
        faults.add(said);
      }
    }
  } catch (error) {
    faults.add(error instanceof Error ? error.message : String(error)); // it cannot even be looked through
  }
  const pages = Number(database.prepare("PRAGMA page_count").get()?.page_count);
  return faults.result("integrity", "SQLite finds every page and index as it has to be", pages);
}

function checkReferences(database: DatabaseSync): CheckResult {
  const faults = createFaults();
  for (const row of database.prepare("PRAGMA foreign_key_check").iterate()) {
    const { table, rowid, parent } = referenceRow.parse(row);
    faults.add(`row ${rowid} of ${table} refers to a row of ${parent} that is not there`);
  }
  const { count } = countRow.parse(
    database.prepare("SELECT count(*) AS count FROM assignments").get(),
  );
  return faults.result("references", "each row that is referred to is there", count);
}

function checkInvariant(
  database: DatabaseSync,
  { name, rule, seen, broken }: Invariant,
  since: number,
): CheckResult {
  const faults = createFaults();
  const statement = database.prepare(`SELECT fault FROM (${broken})`);
  for (const row of broken.includes(":since")
    ? statement.iterate({ since })
    : statement.iterate()) {
    faults.add(faultRow.parse(row).fault);
  }
  const { count } = countRow.parse(database.prepare(`SELECT count(*) AS count FROM ${seen}`).get());
  return faults.result(name, rule, count);
}

/** Looks at the file of each asset that is kept, and counts the files that belong to none. */
async function checkAssets(
  directory: string,
  database: DatabaseSync,
  deep: boolean,
): Promise<{ readonly result: CheckResult; readonly orphans: number }> {
  const faults = createFaults();
  const folder = join(directory, "assets");
  // Of the moment that was looked at; and as it is now, should the coordinator remove assets meanwhile.
  const next = database.prepare(
    `SELECT sequence, asset_sha256, asset_size FROM submissions
     WHERE keep IS NOT NULL AND sequence > ? ORDER BY sequence LIMIT ?`,
  );
  using current = openReadOnly(directory);
  const isStillKept = current.prepare(
    "SELECT 1 FROM submissions WHERE sequence = ? AND keep IS NOT NULL",
  );
  let seen = 0;
  let last = 0;
  for (;;) {
    const rows = next.all(last, assetsAtOnce).map((row) => assetRow.parse(row));
    for (const row of rows) {
      seen++;
      last = row.sequence;
      const fault = await assetFault(join(folder, row.asset_sha256), row, deep);
      if (fault !== undefined && isStillKept.get(row.sequence) !== undefined) {
        faults.add(fault);
      }
    }
    if (rows.length < assetsAtOnce) {
      break;
    }
  }
  const isKept = current.prepare(
    `SELECT 1 FROM submissions WHERE asset_sha256 = ?1 AND keep IS NOT NULL
     UNION ALL SELECT 1 FROM scorings WHERE asset_sha256 = ?1 AND ended_at IS NULL LIMIT 1`,
  );
  let orphans = 0;
  for await (const name of assetNames(folder)) {
    orphans += Number(isKept.get(name) === undefined);
  }
  const bytes = deep ? ", its bytes those that it is named by" : "";
  return {
    result: faults.result("assets", `each asset that is kept has its file${bytes}`, seen),
    orphans,
  };
}

async function assetFault(path: string, row: AssetRow, deep: boolean): Promise<string | undefined> {
  try {
    const { size } = await stat(path);
    if (size !== row.asset_size) {
      return `the asset ${row.asset_sha256} has ${size} bytes, not ${row.asset_size}`;
    }
    return !deep || (await sha256Of(path)) === row.asset_sha256
      ? undefined
      : `the asset ${row.asset_sha256} has other bytes than it was taken with`;
  } catch (error) {
    if (!isMissing(error)) {
      throw unreadable(path, error);
    }
    return `the asset ${row.asset_sha256} has no file`;
  }
}

async function sha256Of(path: string): Promise<string> {
  const found = createHash("sha256");
  for await (const chunk of createReadStream(path)) {
    found.update(chunk as Buffer); // a stream without an encoding gives buffers
  }
  return found.digest("hex");
}

/** The names of assets in a folder, none when it is not there. */
export async function* assetNames(folder: string): AsyncGenerator<string> {
  try {
    for await (const { name } of await opendir(folder)) {
      if (isSha256(name)) {
        yield name;
      }
    }
  } catch (error) {
    if (!isMissing(error)) {
      throw unreadable(folder, error);
    }
  }
}
