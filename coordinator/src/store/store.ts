/**
 * The coordinator's memory: one SQLite database in the data directory.
 *
 * S1 What a committed transaction wrote survives kill -9 and a power cut (WAL, synchronous FULL); what was only noted
 *    survives kill -9.
 * S2 One process a data directory: a second one is refused at start. Others may read the database meanwhile.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { migrate, schemaVersion } from "./migrate.ts";
import { coordinatorMigrations, keyMigrations } from "./schema.ts";
import { isStorageFull, StorageFullError, StoreError } from "./store-error.ts";

/** The coordinator's database in its data directory. */
export const databaseName = "coordinator.sqlite";

/** The database of the API keys, there too. */
export const keysName = "keys.sqlite";

export type SqlValue = SQLInputValue;

/** Rows come as plain objects, to be parsed by the module that owns the table. */
export interface StoreReader extends Disposable {
  /** The first row, or undefined. */
  get(sql: string, ...values: SqlValue[]): unknown;
  all(sql: string, ...values: SqlValue[]): readonly unknown[];
}

/**
 * Statements are prepared once. Whatever writes throws StorageFullError when the disk is full; nothing of it is there
 * then.
 */
export interface Store extends StoreReader {
  run(sql: string, ...values: SqlValue[]): void;
  /**
   * As `run`, for what anybody can cause at any rate: it survives kill -9, but not a power cut that comes before the
   * next transaction, and waits for no disk.
   */
  note(sql: string, ...values: SqlValue[]): void;
  /**
   * Runs `work` in one transaction: all of it is on disk when this returns, or none of it. A call inside another
   * transaction joins that one.
   * @param durability `noted` for what is only noted, see `note`
   */
  transaction<Result>(work: () => Result, durability?: "synced" | "noted"): Result;
  /** Calls `notify` once the running transaction is on disk; not at all when it fails. */
  afterCommit(notify: () => void): void;
  /**
   * Records what changes from now on, to be called once.
   * @param onWrite told at each write, within its transaction
   */
  record(onWrite: () => void): Recording;
}

export interface Recording extends Disposable {
  /**
   * What was committed since the last call, for `Replica.apply`; empty when nothing was. Not to be called within a
   * transaction.
   */
  take(): Uint8Array;
}

/**
 * Opens the coordinator's database in `directory`, makes it when there is none, and brings its tables up to date.
 * @throws StoreError when another process has it, a newer version wrote it, or its tables cannot be brought up to date
 */
export function openStore(directory: string): Store {
  const lock = lockDirectory(directory);
  try {
    const store = openDatabase(directory, databaseName, coordinatorMigrations, "FULL", "NORMAL");
    return {
      ...store,
      [Symbol.dispose]() {
        store[Symbol.dispose]();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** The coordinator's tables in memory, which end with it: for simulations, which make more than a disk would take. */
export function openStoreInMemory(): Store {
  const database = new DatabaseSync(":memory:");
  migrate(database, "in memory", coordinatorMigrations);
  return wrap(database, "OFF");
}

/**
 * Opens the database of a coordinator, running or not, for reading alone.
 * @throws StoreError when there is none, or one of another version
 */
export function openStoreReader(directory: string): StoreReader {
  const { get, all, [Symbol.dispose]: dispose } = wrap(openReadOnly(directory), "FULL");
  return { get, all, [Symbol.dispose]: dispose };
}

/** As `openStoreReader`, for who works on the whole of it. */
export function openReadOnly(directory: string): DatabaseSync {
  const file = join(directory, databaseName);
  if (!existsSync(file)) {
    throw new StoreError(`${file}: there is no such file`);
  }
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    database.exec("PRAGMA busy_timeout = 2000");
    const version = schemaVersion(database);
    if (version !== coordinatorMigrations.length) {
      throw new StoreError(
        `${file}: has schema ${version}, this version reads ${coordinatorMigrations.length}. ` +
          "Start the coordinator of this version once, or use the one that wrote it.",
      );
    }
    return database;
  } catch (error) {
    database.close();
    throw error instanceof StoreError ? error : unreadable(file, error);
  }
}

/** What is said of a file that SQLite cannot read. */
export function unreadable(file: string, error: unknown): StoreError {
  const why = error instanceof Error ? error.message : String(error);
  return new StoreError(`${file}: cannot be read: ${why}`, { cause: error });
}

/**
 * Opens the API keys of the data directory, which several processes may have open, and makes them when there are none.
 * @throws StoreError when a newer version wrote them, or they cannot be opened
 */
export function openKeyStore(directory: string): Store {
  return openDatabase(directory, keysName, keyMigrations, "FULL", "NORMAL");
}

/**
 * An exclusive transaction on a file of its own (S2): it ends with the process, however that ends.
 * @throws StoreError when another process has it
 */
export function lockDirectory(directory: string): DatabaseSync {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, "coordinator.lock");
  const lock = new DatabaseSync(file);
  try {
    lock.exec("PRAGMA busy_timeout = 2000; BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    lock.close();
    throw new StoreError(
      `${file}: cannot be locked: ${error instanceof Error ? error.message : String(error)}. ` +
        "Is another coordinator running on this data directory?",
      { cause: error },
    );
  }
}

/**
 * Opens a database of the data directory, makes it when there is none, and brings its tables up to date.
 * @param name of the file in `directory`
 * @param synchronous FULL survives a power cut; OFF survives the death of the process, and waits for no
 * disk.
 * @param locking EXCLUSIVE keeps the file from every other connection for as long as the database is open
 * @throws StoreError as `openStore`
 */
export function openDatabase(
  directory: string,
  name: string,
  migrations: readonly string[],
  synchronous: "FULL" | "OFF",
  locking: "EXCLUSIVE" | "NORMAL" = "EXCLUSIVE",
): Store {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const file = join(directory, name);
  const database = new DatabaseSync(file);
  try {
    database.exec(`PRAGMA locking_mode = ${locking}; PRAGMA busy_timeout = 2000`);
    database.exec("PRAGMA journal_mode = WAL");
    database.exec(`PRAGMA synchronous = ${synchronous}`);
    migrate(database, file, migrations);
  } catch (error) {
    database.close();
    if (error instanceof StoreError) {
      throw error;
    }
    throw new StoreError(
      `${file}: cannot be opened: ${error instanceof Error ? error.message : String(error)}. ` +
        "Is another coordinator running on this data directory?",
      { cause: error },
    );
  }
  return wrap(database, synchronous);
}

function wrap(database: DatabaseSync, synchronous: "FULL" | "OFF"): Store {
  const prepared = new Map<string, StatementSync>();
  const prepare = (sql: string): StatementSync => {
    const known = prepared.get(sql);
    if (known !== undefined) {
      return known;
    }
    const statement = database.prepare(sql);
    prepared.set(sql, statement);
    return statement;
  };
  let notifications: (() => void)[] | undefined;
  let onWrite: (() => void) | undefined;
  const writing = <Result>(work: () => Result): Result => {
    const result = orStorageFull(work);
    onWrite?.();
    return result;
  };
  const transact = <Result>(work: () => Result): Result => {
    orStorageFull(() => database.exec("BEGIN IMMEDIATE")); // first: when it throws, no transaction is running
    const pending: (() => void)[] = [];
    notifications = pending;
    try {
      const result = work();
      writing(() => database.exec("COMMIT"));
      notifications = undefined;
      for (const notify of pending) {
        notify();
      }
      return result;
    } catch (error) {
      notifications = undefined;
      if (database.isTransaction) {
        database.exec("ROLLBACK");
      }
      throw error;
    }
  };
  const noted = <Result>(work: () => Result): Result => {
    // In WAL mode NORMAL writes the same without syncing; the next synced commit takes it along.
    database.exec("PRAGMA synchronous = NORMAL");
    try {
      return work();
    } finally {
      database.exec(`PRAGMA synchronous = ${synchronous}`);
    }
  };
  return {
    run: (sql, ...values) => void writing(() => prepare(sql).run(...values)),
    note: (sql, ...values) => noted(() => writing(() => prepare(sql).run(...values))),
    get: (sql, ...values) => prepare(sql).get(...values),
    all: (sql, ...values) => prepare(sql).all(...values),
    transaction(work, durability = "synced") {
      if (notifications !== undefined) {
        return work();
      }
      return durability === "noted" ? noted(() => transact(work)) : transact(work);
    },
    afterCommit(notify) {
      if (notifications === undefined) {
        notify();
      } else {
        notifications.push(notify);
      }
    },
    record(notify) {
      onWrite = notify;
      let session = database.createSession();
      return {
        take() {
          const changes = session.changeset();
          if (changes.length > 0) {
            session.close(); // it would count from its begin
            session = database.createSession();
          }
          return changes;
        },
        [Symbol.dispose]() {
          onWrite = undefined;
          session.close();
        },
      };
    },
    [Symbol.dispose]() {
      prepared.clear();
      database.close();
    },
  };
}

/** Runs what writes; a full disk gets its own error. */
function orStorageFull<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (isStorageFull(error)) {
      throw new StorageFullError("the disk is full", { cause: error });
    }
    throw error;
  }
}
