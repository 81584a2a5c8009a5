/**
 * Why a miner earned what it earned: each verdict with what followed from it, kept for a month, but of each miner the
 * newest thousand alone, so that wrong submissions at any rate fill no disk.
 */
import { z } from "zod";
import type { Store, StoreReader } from "../store/index.ts";
import { countScore } from "./score-counts.ts";

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

/** Code of the entry that says that an earlier verdict's score was replaced: no verdict of its own. */
export const replacedCode = "score-replaced";

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
  const isScored = entry.verdict === "accepted" || entry.code === "low-score";
  if (isScored && entry.code !== replacedCode) {
    countScore(store, entry.score, entry.at);
  }
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

const stepRow = z.object({
  assignment_id: z.string().nullable(),
  verdict: z.string(),
  code: z.string(),
  fidelity: z.number(),
  average_share: z.number().nullable(),
  average_fidelity: z.number(),
});

/**
 * The miner's average as its history has it, computed again with each replaced fidelity in the place of the first;
 * undefined when nothing is known of it.
 * @param shareOf with which share a fidelity enters the average
 */
export function averageOf(
  store: StoreReader,
  hotkey: string,
  shareOf: (fidelity: number) => number,
): number | undefined {
  const steps = store
    .all(
      `SELECT assignment_id, verdict, code, fidelity, average_share, average_fidelity FROM verdicts
       WHERE hotkey = ? ORDER BY id`,
      hotkey,
    )
    .map((row) => stepRow.parse(row));
  const replaced = new Map(
    steps.filter(({ code }) => code === replacedCode).map((step) => [step.assignment_id, step]),
  );
  let average: number | undefined;
  for (const step of steps) {
    const { average_share: share, average_fidelity: told } = step;
    if (step.code === replacedCode) {
      continue;
    }
    if (share === null) {
      average = told; // how it came to this was not kept then
      continue;
    }
    // Before the first that is kept it was this; a share of 1 leaves nothing of it.
    average ??= share < 1 ? (told - share * step.fidelity) / (1 - share) : 0;
    // A fault of ours was overruled by the verdict that was replaced; what had no share although it was good has none.
    const mayCount = step.verdict !== "system-fault" && (share > 0 || step.fidelity === 0);
    const fidelity = mayCount ? replaced.get(step.assignment_id)?.fidelity : undefined;
    average +=
      fidelity === undefined
        ? share * (step.fidelity - average)
        : shareOf(fidelity) * (fidelity - average);
  }
  return average;
}

/** Writes into the miner's latest entry what it has after all. To be called in that entry's transaction. */
export function amendHistory(
  store: Store,
  hotkey: string,
  { averageFidelity, reward }: Pick<HistoryEntry, "averageFidelity" | "reward">,
): void {
  store.run(
    `UPDATE verdicts SET average_fidelity = ?, reward = ?
     WHERE id = (SELECT max(id) FROM verdicts WHERE hotkey = ?)`,
    averageFidelity,
    reward,
    hotkey,
  );
}

/** Which verdicts; all when both are empty. */
export interface VerdictFilter {
  readonly verdicts: readonly string[];
  readonly codes: readonly string[];
}

const allVerdicts: VerdictFilter = { verdicts: [], codes: [] };

/**
 * The miner's latest verdicts, newest first.
 * @param before only those before the one with this number; all when absent
 */
export function historyOf(
  store: StoreReader,
  hotkey: string,
  limit: number,
  before = Number.MAX_SAFE_INTEGER,
  { verdicts, codes } = allVerdicts,
): readonly HistoryEntry[] {
  return store
    .all(
      `SELECT * FROM verdicts WHERE hotkey = ? AND id < ?
         AND (?4 = '' OR instr(?4, ',' || verdict || ',') > 0)
         AND (?5 = '' OR instr(?5, ',' || code || ',') > 0)
       ORDER BY id DESC LIMIT ?3`,
      hotkey,
      before,
      limit,
      inCommas(verdicts),
      inCommas(codes),
    )
    .map((value) => parseEntry(entryRow.parse(value)));
}

/** Where a miner stood after some of its verdicts. */
export type HistoryPoint = Pick<HistoryEntry, "at" | "reward" | "observations" | "averageFidelity">;

const pointRow = z.object({
  at: z.number(),
  reward: z.number(),
  observations: z.number(),
  average_fidelity: z.number(),
});
const codeCountRow = z.object({ verdict: z.string(), code: z.string(), count: z.number() });

/** At most so many of what the miner had after its verdicts, evenly among them, oldest first; the latest is there. */
export function pointsOf(
  store: StoreReader,
  hotkey: string,
  most: number,
): readonly HistoryPoint[] {
  return store
    .all(
      `SELECT at, reward, observations, average_fidelity FROM
         (SELECT *, row_number() OVER (ORDER BY id DESC) AS place, count(*) OVER () AS total
          FROM verdicts WHERE hotkey = ?1)
       WHERE (place - 1) % ((total + ?2 - 1) / ?2) = 0 ORDER BY place DESC`,
      hotkey,
      most,
    )
    .map((value) => pointRow.parse(value))
    .map(({ average_fidelity: averageFidelity, ...point }) => ({ ...point, averageFidelity }));
}

/** How often the miner got a verdict for a reason. */
export interface VerdictTally extends Pick<HistoryEntry, "verdict" | "code"> {
  readonly count: number;
}

/** How often each verdict and code is among the miner's that are kept, the most frequent first. */
export function verdictCountsOf(store: StoreReader, hotkey: string): readonly VerdictTally[] {
  return store
    .all(
      `SELECT verdict, code, count(*) AS count FROM verdicts WHERE hotkey = ?1 AND code <> ?2
       GROUP BY verdict, code ORDER BY 3 DESC, 1, 2`,
      hotkey,
      replacedCode,
    )
    .map((value) => codeCountRow.parse(value));
}

/** For looking whether a word is one of them; empty stands for all. */
function inCommas(words: readonly string[]): string {
  return words.length === 0 ? "" : `,${words.join(",")},`;
}

function parseEntry(row: z.infer<typeof entryRow>): HistoryEntry {
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
