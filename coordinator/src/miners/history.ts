/**
 * Why a miner earned what it earned: each verdict with what followed from it, kept for a month, but of each miner the
 * newest thousand alone, so that wrong submissions at any rate fill no disk.
 */
import { z } from "zod";
import type { Store, StoreReader } from "../store/index.ts";

export interface HistoryEntry {
  /** Its place among all miners' verdicts; a later one has a higher one. */
  readonly number: number;
  /** ss58 */
  readonly hotkey: string;
  /** ms since 1970 UTC */
  readonly at: number;
  /** Undefined when the miner submitted for a task that it does not have. */
  readonly assignmentId: string | undefined;
  /** As the miner was told. */
  readonly verdict: string;
  /** Why, in one word: `accepted`, `low-score`, `truncated`, `wrong-signature` … */
  readonly code: string;
  /** The same in words; empty when there is nothing to add. */
  readonly reason: string;
  /** 0 to 1 */
  readonly score: number;
  /** 0 to 1 */
  readonly fidelity: number;
  /** With which share the fidelity entered the average: 0 to 1; undefined in entries from before this was kept. */
  readonly averageShare: number | undefined;
  /** The miner's, after this verdict: 0 to 1. */
  readonly averageFidelity: number;
  /** Accepted results in its window after this verdict. */
  readonly observations: number;
  readonly reward: number;
  /** ms since 1970 UTC */
  readonly cooldownUntil: number;
}

const keepMs = 30 * 86_400_000;
const keepEach = 1_000;

const entryRow = z.object({
  id: z.number(),
  hotkey: z.string(),
  at: z.number(),
  assignment_id: z.string().nullable(),
  verdict: z.string(),
  code: z.string(),
  reason: z.string(),
  score: z.number(),
  fidelity: z.number(),
  average_share: z.number().nullable(),
  average_fidelity: z.number(),
  observations: z.number(),
  reward: z.number(),
  cooldown_until: z.number(),
});

/** Writes an entry, and forgets what is not kept. To be called in the verdict's transaction. */
export function addToHistory(store: Store, entry: Omit<HistoryEntry, "number">): void {
  store.run("DELETE FROM verdicts WHERE at < ?", entry.at - keepMs);
  store.run(
    `INSERT INTO verdicts (hotkey, at, assignment_id, verdict, code, reason, score, fidelity,
       average_share, average_fidelity, observations, reward, cooldown_until)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    entry.hotkey,
    entry.at,
    entry.assignmentId ?? null,
    entry.verdict,
    entry.code,
    entry.reason,
    entry.score,
    entry.fidelity,
    entry.averageShare ?? null,
    entry.averageFidelity,
    entry.observations,
    entry.reward,
    entry.cooldownUntil,
  );
  store.run(
    `DELETE FROM verdicts WHERE hotkey = ?1 AND id <=
       (SELECT id FROM verdicts WHERE hotkey = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`,
    entry.hotkey,
    keepEach,
  );
}

/**
 * The miner's latest verdicts, newest first.
 * @param before only those before the one with this number; all when absent
 */
export function historyOf(
  store: StoreReader,
  hotkey: string,
  limit: number,
  before = Number.MAX_SAFE_INTEGER,
): readonly HistoryEntry[] {
  return store
    .all(
      "SELECT * FROM verdicts WHERE hotkey = ? AND id < ? ORDER BY id DESC LIMIT ?",
      hotkey,
      before,
      limit,
    )
    .map((value) => {
      const row = entryRow.parse(value);
      return {
        number: row.id,
        hotkey: row.hotkey,
        at: row.at,
        assignmentId: row.assignment_id ?? undefined,
        verdict: row.verdict,
        code: row.code,
        reason: row.reason,
        score: row.score,
        fidelity: row.fidelity,
        averageShare: row.average_share ?? undefined,
        averageFidelity: row.average_fidelity,
        observations: row.observations,
        reward: row.reward,
        cooldownUntil: row.cooldown_until,
      };
    });
}

const pageSize = 500;
const hotkeyRow = z.object({ hotkey: z.string() });

/** Miners with a record, ss58, in alphabetical order, after this one. */
export function minersAfter(store: StoreReader, after: string, limit: number): readonly string[] {
  return store
    .all("SELECT hotkey FROM miners WHERE hotkey > ? ORDER BY hotkey LIMIT ?", after, limit)
    .map((row) => hotkeyRow.parse(row).hotkey);
}

/** Every miner with a record, ss58, in alphabetical order. */
export function* knownMiners(store: StoreReader): Iterable<string> {
  let after = "";
  for (;;) {
    const page = minersAfter(store, after, pageSize);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) {
      return;
    }
    after = last;
  }
}
