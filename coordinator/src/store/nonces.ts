/**
 * Nonces of the axon's callers, kept over restarts. A database of its own without syncs: every request writes here,
 * and what has to be survived is the death of the process. (After a power cut callers with clocks are still refused
 * by their nonces' age.)
 */
import { type NonceStore, recentNonces } from "@turntable/bittensor/axon";
import { z } from "zod";
import { nonceMigrations } from "./schema.ts";
import { openDatabase } from "./store.ts";

const row = z.object({ nonce: z.string() });
const counted = z.object({ count: z.number() });
/** How many requests come between two looks for what is out of date. */
const sweepEvery = 1_000;

/**
 * Opens the nonces of the data directory.
 * @param now ms since 1970 UTC
 * @throws StoreError as `openStore`
 */
export function openNonceStore(directory: string, now: () => number): NonceStore & Disposable {
  const store = openDatabase(directory, "nonces.sqlite", nonceMigrations, "OFF");
  let added = 0;
  const recent = (caller: string): readonly bigint[] =>
    store
      .all("SELECT nonce FROM nonces WHERE caller = ? AND keep_until >= ?", caller, now())
      .map((found) => BigInt(row.parse(found).nonce))
      .toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return {
    recent,
    add: (caller, nonce, keepUntilMs) =>
      store.transaction(() => {
        if (added++ % sweepEvery === 0) store.run("DELETE FROM nonces WHERE keep_until < ?", now());
        store.run(
          "INSERT OR REPLACE INTO nonces VALUES (?, ?, ?)",
          caller,
          nonce.toString(),
          Math.ceil(keepUntilMs),
        );
        for (const old of recent(caller).slice(0, -recentNonces)) {
          store.run("DELETE FROM nonces WHERE caller = ? AND nonce = ?", caller, old.toString());
        }
      }),
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
