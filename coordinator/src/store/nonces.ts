/**
 * Nonces of the axon's callers, kept over restarts. A database of its own without syncs: every request writes here,
 * and what has to be survived is the death of the process. (After a power cut callers with clocks are still refused
 * by their nonces' age.) While the disk is full they are remembered in memory.
 */
import { type NonceStore, recentNonces } from "@turntable/bittensor/axon";
import { z } from "zod";
import { nonceMigrations } from "./schema.ts";
import { openDatabase } from "./store.ts";
import { StorageFullError } from "./store-error.ts";

interface Nonce {
  readonly nonce: bigint;
  readonly keepUntilMs: number;
}

const row = z.object({ nonce: z.string() });
const counted = z.object({ count: z.number() });
/** How many requests come between two looks for what is out of date. */
const sweepEvery = 1_000;

/** Callers that are remembered in memory while the disk is full; above it the oldest are forgotten. */
const unsavedCallers = 4_096;

/**
 * Opens the nonces of the data directory.
 * @param now ms since 1970 UTC
 * @throws StoreError as `openStore`
 */
export function openNonceStore(directory: string, now: () => number): NonceStore & Disposable {
  const store = openDatabase(directory, "nonces.sqlite", nonceMigrations, "OFF");
  let added = 0;
  /** Those of each caller that found no room on the disk; they are saved with its next one. */
  const unsaved = new Map<string, readonly Nonce[]>();
  const all = (caller: string): readonly bigint[] =>
    store
      .all("SELECT nonce FROM nonces WHERE caller = ? AND keep_until >= ?", caller, now())
      .map((found) => BigInt(row.parse(found).nonce))
      .concat((unsaved.get(caller) ?? []).map(({ nonce }) => nonce))
      .toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const save = (caller: string, nonces: readonly Nonce[]): void =>
    store.transaction(() => {
      if (added++ % sweepEvery === 0) {
        store.run("DELETE FROM nonces WHERE keep_until < ?", now());
      }
      for (const { nonce, keepUntilMs } of nonces) {
        store.run(
          "INSERT OR REPLACE INTO nonces VALUES (?, ?, ?)",
          caller,
          nonce.toString(),
          Math.ceil(keepUntilMs),
        );
      }
      for (const old of all(caller).slice(0, -recentNonces)) {
        store.run("DELETE FROM nonces WHERE caller = ? AND nonce = ?", caller, old.toString());
      }
    });
  return {
    recent: (caller) => all(caller).slice(-recentNonces),
    add(caller, nonce, keepUntilMs) {
      const nonces = [...(unsaved.get(caller) ?? []), { nonce, keepUntilMs }];
      unsaved.delete(caller);
      try {
        save(caller, nonces);
      } catch (error) {
        if (!(error instanceof StorageFullError)) {
          throw error;
        }
        unsaved.set(caller, nonces.slice(-recentNonces));
        for (const oldest of unsaved.keys()) {
          if (unsaved.size <= unsavedCallers) {
            break;
          }
          unsaved.delete(oldest);
        }
      }
    },
    count(hotkey, atMost) {
      // Callers of a hotkey begin with it and a colon, and the semicolon comes right after that.
      const found = store.get(
        `SELECT COUNT(*) AS count FROM (SELECT 1 FROM nonces
         WHERE caller >= ? AND caller < ? AND keep_until >= ? LIMIT ?)`,
        `${hotkey}:`,
        `${hotkey};`,
        now(),
        atMost,
      );
      return counted.parse(found).count;
    },
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}
