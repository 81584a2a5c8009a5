/** The workers that are quarantined: on disk, and in memory since each result is checked against them. */
import { z } from "zod";
import type { Store } from "../store/index.ts";

export interface Quarantined {
  /** The worker's own name. */
  readonly worker: string;
  /** ms since 1970 UTC */
  readonly at: number;
  readonly reason: string;
}

/** What changes is seen once its transaction is on disk. */
export interface ShutOut {
  has(worker: string): boolean;
  /** The latest first. */
  list(): readonly Quarantined[];
  /** To be called in the transaction that finds it. */
  add(quarantined: Quarantined): void;
  /** To be called in a transaction. */
  remove(worker: string, now: number): void;
  /** When the worker was last released, ms since 1970 UTC; 0 when it never was, or long ago. */
  releasedAt(worker: string): number;
  /** Forgets releases before this time. */
  forget(before: number): void;
}

/** The ones longest quarantined are let go when there are more. */
const most = 256;

const row = z.object({ worker: z.string(), at: z.number(), reason: z.string() });
const releaseRow = z.object({ released_at: z.number().nullable() });

export function createShutOut(store: Store): ShutOut {
  const known = new Map<string, Quarantined>(
    store
      .all("SELECT worker, at, reason FROM quarantined_workers WHERE released_at IS NULL")
      .map((value) => row.parse(value))
      .map((one) => [one.worker, one]),
  );
  const list = (): readonly Quarantined[] => [...known.values()].toSorted((a, b) => b.at - a.at);
  return {
    has: (worker) => known.has(worker),
    list,
    add(quarantined) {
      const { worker, at, reason } = quarantined;
      store.run(
        "INSERT OR REPLACE INTO quarantined_workers (worker, at, reason) VALUES (?, ?, ?)",
        ...[worker, at, reason],
      );
      const surplus = list().slice(most - 1);
      for (const { worker: longest } of surplus) {
        store.run("DELETE FROM quarantined_workers WHERE worker = ?", longest);
      }
      store.afterCommit(() => {
        for (const { worker: longest } of surplus) {
          known.delete(longest);
        }
        known.set(worker, quarantined);
      });
    },
    remove(worker, now) {
      store.run("UPDATE quarantined_workers SET released_at = ? WHERE worker = ?", now, worker);
      store.afterCommit(() => known.delete(worker));
    },
    releasedAt: (worker) =>
      releaseRow
        .optional()
        .parse(store.get("SELECT released_at FROM quarantined_workers WHERE worker = ?", worker))
        ?.released_at ?? 0,
    forget: (before) => store.run("DELETE FROM quarantined_workers WHERE released_at <= ?", before),
  };
}
