/**
 * The miner's memory: one SQLite database in its data directory.
 *
 * S1 What a call wrote is on disk when it returns: it survives kill -9 and a power cut (WAL, synchronous FULL).
 * S2 One process a data directory: a second one is refused at start. Others may read the database meanwhile.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { minerMigrations } from "./schema.ts";

const databaseName = "miner.sqlite";
/** How long another connection's write is waited for, in ms. */
const busyMs = 2_000;
/** How long a miner that is just ending may hold the folder, in ms. */
const lockMs = 500;

/** The data directory cannot be used; the message says why and what to do. */
export class MinerStoreError extends Error {
  override name = "MinerStoreError";
  readonly code = "miner-store";
}

/** Statements are prepared once. Rows come as plain objects, to be parsed by who asked for them. */
export interface Database extends Disposable {
  get(sql: string, ...values: SQLInputValue[]): unknown;
  all(sql: string, ...values: SQLInputValue[]): readonly unknown[];
  run(sql: string, ...values: SQLInputValue[]): void;
  /** All that `work` writes, or none of it. */
  transaction<Result>(work: () => Result): Result;
}

/**
 * Opens the database, makes it when there is none, and brings its tables up to date.
 * @param directory undefined keeps everything in memory, for as long as the process lives
 * @throws MinerStoreError when another process has it, or a newer version wrote it
 */
export function openDatabase(directory: string | undefined): Database {
  if (directory === undefined) {
    return wrap(prepared(new DatabaseSync(":memory:"), "memory"), undefined);
  }
  const lock = lockDirectory(directory);
  const file = join(directory, databaseName);
  try {
    return wrap(prepared(new DatabaseSync(file), file), lock);
  } catch (error) {
    lock.close();
    throw error;
  }
}

/**
 * Opens the database of a miner, running or not, for reading alone.
 * @throws MinerStoreError when there is none, or one of another version
 */
export function openDatabaseReader(directory: string): Database {
  const file = join(directory, databaseName);
  if (!existsSync(file)) {
    throw new MinerStoreError(`${file}: there is no such file; has a miner run with this folder?`);
  }
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    database.exec(`PRAGMA busy_timeout = ${busyMs}`);
    const version = versionOf(database);
    if (version !== minerMigrations.length) {
      throw new MinerStoreError(
        `${file}: has schema ${version}, this version reads ${minerMigrations.length}: start the miner of this version once`,
      );
    }
    return wrap(database, undefined);
  } catch (error) {
    database.close();
    throw asStoreError(error, `${file}: cannot be read`);
  }
}

/** An exclusive transaction on a file of its own (S2): it ends with the process, however that ends. */
function lockDirectory(directory: string): DatabaseSync {
  const file = join(directory, "miner.lock");
  let lock: DatabaseSync | undefined;
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    lock = new DatabaseSync(file);
    lock.exec(`PRAGMA busy_timeout = ${lockMs}; BEGIN EXCLUSIVE`);
    return lock;
  } catch (error) {
    lock?.close();
    throw asStoreError(
      error,
      `${file}: cannot be locked; is another miner running on this data directory?`,
    );
  }
}

function prepared(database: DatabaseSync, name: string): DatabaseSync {
  try {
    database.exec(`
      PRAGMA busy_timeout = ${busyMs};
      PRAGMA auto_vacuum = INCREMENTAL;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON;
      -- In an image with a read-only root there may be no folder for temporary files; statements need little.
      PRAGMA temp_store = MEMORY;
    `);
    const version = versionOf(database);
    if (version > minerMigrations.length) {
      throw new MinerStoreError(
        `${name}: written by a newer version (schema ${version}, this one knows ${minerMigrations.length}): run that one`,
      );
    }
    for (const [index, sql] of minerMigrations.entries()) {
      if (index >= version) {
        database.exec(`BEGIN; ${sql}; PRAGMA user_version = ${index + 1}; COMMIT`);
      }
    }
    return database;
  } catch (error) {
    database.close();
    throw asStoreError(error, `${name}: cannot be opened`);
  }
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.user_version);
}

function asStoreError(error: unknown, what: string): MinerStoreError {
  if (error instanceof MinerStoreError) {
    return error;
  }
  const why = error instanceof Error ? error.message : String(error);
  return new MinerStoreError(`${what}: ${why}`, { cause: error });
}

function wrap(database: DatabaseSync, lock: DatabaseSync | undefined): Database {
  const statements = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const statement = statements.get(sql) ?? database.prepare(sql);
    statements.set(sql, statement);
    return statement;
  };
  return {
    get: (sql, ...values) => prepare(sql).get(...values),
    all: (sql, ...values) => prepare(sql).all(...values),
    run: (sql, ...values) => void prepare(sql).run(...values),
    transaction(work) {
      database.exec("BEGIN IMMEDIATE");
      try {
        const result = work();
        database.exec("COMMIT");
        return result;
      } catch (error) {
        if (database.isTransaction) {
          database.exec("ROLLBACK");
        }
        throw error;
      }
    },
    [Symbol.dispose]() {
      statements.clear();
      database.close();
      lock?.close();
    },
  };
}
