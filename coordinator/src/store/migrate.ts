/** Brings a database's tables up to date. */
import type { DatabaseSync } from "node:sqlite";
import { isStorageFull, StoreError } from "./store-error.ts";

/**
 * Runs the migrations that the database has not seen, all in one transaction. Foreign keys are not enforced while they
 * run, since SQLite can change most of a table only by making it anew, dropping the old one and renaming (and a drop
 * deletes its rows, to which others refer); that every reference still leads somewhere is checked before the commit.
 * Leaves foreign keys enforced.
 * @param file named in errors
 * @throws StoreError when a newer version wrote the database, or a migration fails; the database is as it was then.
 */
export function migrate(database: DatabaseSync, file: string, migrations: readonly string[]): void {
  const version = schemaVersion(database);
  if (version > migrations.length) {
    throw new StoreError(
      `${file}: written by a newer version (schema ${version}, this one knows ${migrations.length}). ` +
        "Run that version, or restore a backup.",
    );
  }
  ensureIncrementalVacuum(database);
  database.exec("PRAGMA foreign_keys = OFF"); // inside a transaction this would have no effect
  database.exec("BEGIN EXCLUSIVE");
  try {
    for (const [index, sql] of migrations.entries()) {
      if (index >= version) {
        database.exec(sql);
      }
    }
    if (version < migrations.length) {
      checkReferences(database);
    }
    database.exec(`PRAGMA user_version = ${migrations.length}`);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) {
      database.exec("ROLLBACK");
    }
    throw new StoreError(
      `${file}: cannot be brought from schema ${version} to ${migrations.length}, and is as it was: ` +
        `${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  database.exec("PRAGMA foreign_keys = ON");
}

/**
 * Lets pages that became free be given back piece by piece. A database from before has to be written anew for that,
 * once, which needs as much free space again; without it, it works on and its file only never shrinks.
 */
function ensureIncrementalVacuum(database: DatabaseSync): void {
  const incremental = 2;
  if (database.prepare("PRAGMA auto_vacuum").get()?.auto_vacuum === incremental) {
    return;
  }
  database.exec(`PRAGMA auto_vacuum = ${incremental}`);
  try {
    database.exec("VACUUM");
  } catch (error) {
    if (!isStorageFull(error)) {
      throw error;
    }
  }
}

/** How many migrations the database has seen. */
export function schemaVersion(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.user_version);
}

function checkReferences(database: DatabaseSync): void {
  const [broken] = database.prepare("PRAGMA foreign_key_check").all();
  if (broken !== undefined) {
    const { table, rowid, parent } = broken;
    throw new Error(`row ${rowid} of ${table} refers to a row of ${parent} that is not there`);
  }
}
