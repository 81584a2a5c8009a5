/**
 * The prompts that are handed out, in a database of their own: those that were handed out least go first, of those the
 * newest. Bounded: what was handed out most, and is oldest, goes when there are too many.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";

export interface PoolEntry {
  readonly prompt: string;
  readonly category: string;
}

export interface Pool extends Disposable {
  /** @returns how many were new */
  add(entries: readonly PoolEntry[]): number;
  /** Hands out up to `count`. */
  take(count: number): readonly string[];
  readonly size: number;
  /** How many were never handed out. */
  readonly fresh: number;
  all(): IterableIterator<string>;
  /**
   * Remembers a caller's nonce; false when it is no higher than the last one.
   * @param at ms since 1970: nonces that were used before `forgetBefore` are forgotten
   */
  useNonce(hotkey: string, nonce: bigint, at: number, forgetBefore: number): boolean;
}

const textRow = z.object({ prompt: z.string() });
const takenRow = z.object({ id: z.number(), prompt: z.string() });
const countRow = z.object({ count: z.number() });
const nonceRow = z.object({ nonce: z.string() });

/** @param directory undefined keeps it in memory */
export function openPool(directory: string | undefined, capacity: number): Pool {
  if (directory !== undefined) {
    mkdirSync(directory, { recursive: true });
  }
  const database = new DatabaseSync(
    directory === undefined ? ":memory:" : join(directory, "prompts.sqlite"),
  );
  database.exec(`
    PRAGMA busy_timeout = 2000; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    -- In an image with a read-only root there may be no folder for temporary files.
    PRAGMA temp_store = MEMORY;
    CREATE TABLE IF NOT EXISTS prompt (
      id INTEGER PRIMARY KEY,
      prompt TEXT NOT NULL UNIQUE,
      category TEXT NOT NULL,
      handed INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX IF NOT EXISTS prompt_turn ON prompt (handed, id DESC);
    CREATE TABLE IF NOT EXISTS nonce (hotkey TEXT PRIMARY KEY, nonce TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
  `);
  const insert = database.prepare(
    "INSERT INTO prompt (prompt, category) VALUES (?, ?) ON CONFLICT DO NOTHING",
  );
  const trim = database.prepare(
    "DELETE FROM prompt WHERE id IN (SELECT id FROM prompt ORDER BY handed DESC, id LIMIT ?)",
  );
  const select = database.prepare("SELECT id, prompt FROM prompt ORDER BY handed, id DESC LIMIT ?");
  const mark = database.prepare("UPDATE prompt SET handed = handed + 1 WHERE id = ?");
  const total = database.prepare("SELECT count(*) AS count FROM prompt");
  const unhanded = database.prepare("SELECT count(*) AS count FROM prompt WHERE handed = 0");
  const transaction = <Result>(work: () => Result): Result => {
    database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      database.exec("COMMIT");
      return result;
    } catch (error) {
      database.exec("ROLLBACK");
      throw error;
    }
  };
  const sizeOf = (): number => countRow.parse(total.get()).count;
  return {
    add: (entries) =>
      transaction(() => {
        let added = 0;
        for (const { prompt, category } of entries) {
          added += Number(insert.run(prompt, category).changes);
        }
        const over = sizeOf() - capacity;
        if (over > 0) {
          trim.run(over);
        }
        return added;
      }),
    take: (count) =>
      transaction(() =>
        select.all(count).map((row) => {
          const { id, prompt } = takenRow.parse(row);
          mark.run(id);
          return prompt;
        }),
      ),
    get size() {
      return sizeOf();
    },
    get fresh() {
      return countRow.parse(unhanded.get()).count;
    },
    *all() {
      for (const row of database.prepare("SELECT prompt FROM prompt").iterate()) {
        yield textRow.parse(row).prompt;
      }
    },
    useNonce: (hotkey, nonce, at, forgetBefore) =>
      transaction(() => {
        database.prepare("DELETE FROM nonce WHERE at < ?").run(forgetBefore);
        const row = database.prepare("SELECT nonce FROM nonce WHERE hotkey = ?").get(hotkey);
        if (row !== undefined && BigInt(nonceRow.parse(row).nonce) >= nonce) {
          return false;
        }
        database
          .prepare(
            `INSERT INTO nonce (hotkey, nonce, at) VALUES (?, ?, ?)
             ON CONFLICT DO UPDATE SET nonce = excluded.nonce, at = excluded.at`,
          )
          .run(hotkey, String(nonce), at);
        return true;
      }),
    [Symbol.dispose]: () => database.close(),
  };
}
