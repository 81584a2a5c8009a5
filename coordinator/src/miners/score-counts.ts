/** How the scores of the last two days are spread: counted by the hour, so that looking costs the same at any load. */
import { z } from "zod";
import type { Store, StoreReader } from "../store/index.ts";

/** Into so many equal parts 0 to 1 is divided. */
export const scoreParts = 20;
const hourMs = 3_600_000;
const dayHours = 24;

export interface ScoreSpread {
  /** Results by their score, lowest part first, of the last 24 hours and the one that is under way. */
  readonly lastDay: readonly number[];
  /** The same of the 24 hours before. */
  readonly dayBefore: readonly number[];
}

const countRow = z.object({ part: z.number(), is_new: z.number(), count: z.number() });

/**
 * Counts a score, and forgets what is older than two days. To be called in its verdict's transaction.
 * @param score 0 to 1
 * @param now ms since 1970 UTC
 */
export function countScore(store: Store, score: number, now: number): void {
  const hour = Math.floor(now / hourMs);
  store.run("DELETE FROM score_counts WHERE hour < ?", hour - 2 * dayHours);
  store.run(
    `INSERT INTO score_counts (hour, part, count) VALUES (?, ?, 1)
     ON CONFLICT (hour, part) DO UPDATE SET count = count + 1`,
    hour,
    Math.min(scoreParts - 1, Math.floor(score * scoreParts)),
  );
}

/** @param now ms since 1970 UTC */
export function scoresOf(store: StoreReader, now: number): ScoreSpread {
  const hour = Math.floor(now / hourMs);
  const lastDay = new Array<number>(scoreParts).fill(0);
  const dayBefore = new Array<number>(scoreParts).fill(0);
  const rows = store.all(
    `SELECT part, hour >= ?1 AS is_new, sum(count) AS count FROM score_counts
     WHERE hour >= ?2 GROUP BY part, is_new`,
    hour - dayHours,
    hour - 2 * dayHours,
  );
  for (const { part, is_new: isNew, count } of rows.map((row) => countRow.parse(row))) {
    (isNew === 1 ? lastDay : dayBefore)[part] = count;
  }
  return { lastDay, dayBefore };
}
