/**
 * The data directory of a coordinator that stands by: a database that follows another one's.
 *
 * R1 It is the other one's as of an entry of the log, or it is of no use and is restored from a copy. What is there
 *    beside the database says which; it says nothing good while the process runs.
 * R2 A change that does not fit is refused, and with it all that it came with: SQLite compares the old values.
 * R3 One process a data directory, as for a coordinator.
 * R4 What was there before is moved aside when it is restored, and the last one so moved is kept.
 */
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { isKept } from "./backup.ts";
import { schemaVersion } from "./migrate.ts";
import { coordinatorMigrations, keyRow } from "./schema.ts";
import { databaseName, lockDirectory, openKeyStore, unreadable } from "./store.ts";
import { StoreError } from "./store-error.ts";

const placeName = "standby.json";
const asideSuffix = ".before-standby";
const placeSchema = z.object({
  directory: z.string(),
  log: z.string().optional(),
  position: z.number(),
  isWhole: z.boolean(),
});

/** Where a data directory is in the log of changes. */
export interface ReplicaPlace {
  /** Names the data directory. */
  readonly directory: string;
  /** The log's id; undefined when it never followed one. */
  readonly log?: string | undefined;
  /** It has followed the log at least up to this entry. */
  readonly position: number;
  /** The database is that of this very entry (R1). */
  readonly isWhole: boolean;
}

/** The place of a data directory, a new one for one that never had any. */
export function readPlace(directory: string): ReplicaPlace {
  const file = join(directory, placeName);
  if (!existsSync(file)) {
    return { directory: randomUUID(), position: 0, isWhole: false };
  }
  try {
    return placeSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    throw unreadable(file, error);
  }
}

/** @param isSynced waits for the disk */
export function writePlace(directory: string, place: ReplicaPlace, isSynced: boolean): void {
  const file = join(directory, placeName);
  writeFileSync(`${file}.new`, JSON.stringify(place), { mode: 0o600, flush: isSynced });
  renameSync(`${file}.new`, file);
}

export interface Replica extends Disposable {
  /** Whether the directory has a database at all. */
  hasDatabase(): boolean;
  /** Opens the database that is there. @returns its schema */
  open(): number;
  /** Puts a copy in place of the database (R4) and opens it. @returns its schema */
  restore(copy: string): number;
  /**
   * Changes the database as another one was changed.
   * @throws StoreError when they do not fit (R2)
   */
  apply(changes: Uint8Array): void;
  /** Puts these in place of the API keys. @param rows as `readKeys` gave them */
  replaceKeys(rows: Uint8Array): void;
  /** Whether the database refers to an asset. */
  keepsAsset(sha256: string): boolean;
  /** All of it is on disk then. */
  sync(): void;
}

/** @throws StoreError when another process has the directory (R3) */
export function openReplica(directory: string): Replica {
  using stack = new DisposableStack();
  const lock = lockDirectory(directory);
  stack.defer(() => lock.close());
  const file = join(directory, databaseName);
  let database: DatabaseSync | undefined;
  const close = (): void => {
    database?.close();
    database = undefined;
  };
  stack.defer(close);
  const open = (): number => {
    close();
    database = new DatabaseSync(file);
    // What a power cut could take is restored (R1), and what refers to what was checked where it was written.
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF");
    const schema = schemaVersion(database);
    if (schema > coordinatorMigrations.length) {
      throw new StoreError(
        `${file}: written by a newer version (schema ${schema}, this one knows ${coordinatorMigrations.length}). ` +
          "Run that version here, too.",
      );
    }
    return schema;
  };
  const opened = (): DatabaseSync => {
    if (database === undefined) {
      throw new StoreError(`${file}: is not open`);
    }
    return database;
  };
  const all = stack.move();
  return {
    hasDatabase: () => existsSync(file),
    open,
    restore(copy) {
      close();
      for (const suffix of ["-wal", "-shm", ""]) {
        rmSync(`${file}${asideSuffix}${suffix}`, { force: true });
      }
      for (const suffix of ["-wal", ""]) {
        if (existsSync(`${file}${suffix}`)) {
          renameSync(`${file}${suffix}`, `${file}${asideSuffix}${suffix}`);
        }
      }
      rmSync(`${file}-shm`, { force: true });
      renameSync(copy, file);
      return open();
    },
    apply(changes) {
      const fits = opened().applyChangeset(changes, {
        onConflict: () => constants.SQLITE_CHANGESET_ABORT,
      });
      if (!fits) {
        throw new StoreError(`${file}: a change does not fit, it is another database`);
      }
    },
    replaceKeys: (rows) => writeKeys(directory, rows),
    keepsAsset: (sha256) => opened().prepare(isKept).get(sha256) !== undefined,
    sync() {
      opened().exec("PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE)");
      opened().exec("PRAGMA synchronous = OFF");
    },
    [Symbol.dispose]: () => all.dispose(),
  };
}

const versionRow = z.object({ data_version: z.number() });

export interface KeysReader extends Disposable {
  /** Whether another connection has changed them since they were read. */
  isChanged(): boolean;
  /** All of them, for `Replica.replaceKeys`. */
  read(): Uint8Array;
}

/** Opens the API keys of the data directory, beside whoever has them open. */
export function openKeysReader(directory: string): KeysReader {
  const store = openKeyStore(directory);
  const version = (): unknown => versionRow.parse(store.get("PRAGMA data_version")).data_version;
  let known: unknown;
  return {
    isChanged: () => version() !== known,
    read() {
      known = version();
      return Buffer.from(JSON.stringify(store.all("SELECT * FROM api_keys")));
    },
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

function writeKeys(directory: string, rows: Uint8Array): void {
  using store = openKeyStore(directory);
  const keys = z.array(keyRow).safeParse(JSON.parse(Buffer.from(rows).toString("utf8")));
  if (!keys.success) {
    throw new StoreError(
      "the API keys of the coordinator that leads have other columns: run the same version here",
      { cause: keys.error },
    );
  }
  store.transaction(() => {
    store.run("DELETE FROM api_keys");
    for (const key of keys.data) {
      store.run(
        "INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        ...[key.id, key.name, key.hash, key.scopes, key.calls_per_minute, key.concurrent_calls],
        ...[key.created_at, key.expires_at, key.request_id],
      );
    }
  });
}
