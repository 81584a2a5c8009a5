/**
 * What the validator remembers of each miner: cooldown, violations, the window of accepted results and their
 * average fidelity.
 *
 * M1 State belongs to the hotkey; whoever gets its uid later starts fresh.
 * M2 One assignment counts once, however often its verdict is applied.
 * M3 What an assignment earned may be replaced while the window holds it; the average is then what it would be, had the
 *    right fidelity been known at once.
 */
import { z } from "zod";
import {
  averageShareOf,
  cooldownUntil as cooldownEnd,
  longestCooldownMs,
  nextAverage,
  type RuleSet,
  rewardOf,
  violationCostMs,
} from "../rules/index.ts";
import type { Store, StoreReader } from "../store/index.ts";
import {
  addToHistory,
  amendHistory,
  averageOf,
  type HistoryEntry,
  replacedCode,
} from "./history.ts";
import { ratingOf } from "./ratings.ts";

export interface Miner {
  /** ss58 */
  readonly hotkey: string;
  /** The miner gets no task before; ms since 1970 UTC. */
  readonly cooldownUntil: number;
  /** How often it pulled during a cooldown. */
  readonly cooldownViolations: number;
  /** How often it submitted for a wrong task or with a wrong signature. */
  readonly violations: number;
  /** How often it took a task and neither submitted nor gave it back. */
  readonly silences: number;
  /** 0 to 1 */
  readonly averageFidelity: number;
  /** How many accepted results it has within the window. */
  readonly observations: number;
  /** How many results were scored within the window, accepted or not. */
  readonly scored: number;
  /** What duels say of it; 0 where the rules have none. */
  readonly duelRating: number;
  /** observations × averageFidelity, or × duelRating where the rules say so */
  readonly reward: number;
}

/** What the record needs to know of a task that was lent to a miner. */
export interface Lent {
  readonly id: string;
  /** ss58 */
  readonly hotkey: string;
  readonly createdAt: Date;
}

/** `hotkey` is ss58, `now` ms since 1970 UTC throughout. */
export interface Miners {
  /** What is remembered of a miner; one that is new has a clean record. */
  get(hotkey: string, now: number): Miner;
  /** Counts a pull during the cooldown, and lengthens that by the rules; only a miner with a record can have one. */
  countCooldownViolation(hotkey: string): void;
  /** Counts a wrong task or a wrong signature, and starts a cooldown. */
  countViolation(hotkey: string, now: number): void;
  /**
   * Brings cooldowns that lie further ahead than any can to where they can be: the clock was set back while nobody
   * looked. To be called at the start.
   */
  boundCooldowns(now: number): void;
  /**
   * Counts and keeps a violation that concerns no assignment of the miner's. Only noted, since a miner may commit as
   * many as it makes requests.
   */
  recordViolation(violation: Pick<HistoryEntry, "hotkey" | "code" | "reason">, now: number): void;
  /** Counts a task that was taken and not answered, and starts a cooldown. */
  countSilence(hotkey: string, now: number): void;
  /**
   * Counts a scored assignment and starts a cooldown. Applying it twice changes nothing (M2).
   * @param fidelity 0 to 1; above 0 means accepted
   * @returns with which share it entered the average: 0 to 1
   */
  applyScore(assignment: Lent, fidelity: number, now: number): number;
  /** Takes the reward of a scored assignment back: what was handed in had been before. It still counts once (M2). */
  withdraw(assignmentId: string): void;
  /** What a scored assignment earned, 0 to 1; undefined when the window does not hold it any more. */
  earned(assignmentId: string, now: number): number | undefined;
  /** Puts another fidelity in the place of what a scored assignment earned (M3), and keeps that it was done. */
  replaceFidelity(replaced: Omit<RecordVerdict, "code" | "averageShare">, now: number): void;
  /** Keeps a verdict with what followed from it; to be called in its transaction, after everything else. */
  record(verdict: RecordVerdict, now: number): void;
  /** Starts the cooldown of an assignment that ended without a score, as after one that was accepted. */
  startCooldown(assignment: Lent, now: number): void;
}

/** What a miner was told, and why in one word. */
export type RecordVerdict = Pick<
  HistoryEntry,
  "hotkey" | "assignmentId" | "verdict" | "code" | "reason" | "score" | "fidelity" | "averageShare"
>;

export type MinerReader = Pick<Miners, "get">;

const row = z.object({
  cooldown_until: z.number(),
  cooldown_violations: z.number(),
  violations: z.number(),
  silences: z.number(),
  average_fidelity: z.number(),
});
const fidelityRow = z.object({ fidelity: z.number() });
const countRow = z.object({ accepted: z.number(), scored: z.number() });

/** The miners' records in `store`, for looking at. */
export function createMinerReader(store: StoreReader, rules: RuleSet): MinerReader {
  return {
    get(hotkey, now) {
      const known = row
        .optional()
        .parse(store.get("SELECT * FROM miners WHERE hotkey = ?", hotkey));
      const { accepted, scored } = countRow.parse(
        store.get(
          `SELECT count(*) AS scored, count(*) FILTER (WHERE fidelity > 0) AS accepted
           FROM observations WHERE hotkey = ? AND at > ?`,
          hotkey,
          now - rules.windowMs,
        ),
      );
      const duelRating = rules.duels.perHour > 0 ? ratingOf(store, rules, hotkey, now).rating : 0;
      const averageFidelity = known?.average_fidelity ?? rules.averageStart;
      return {
        hotkey,
        cooldownUntil: known?.cooldown_until ?? 0,
        cooldownViolations: known?.cooldown_violations ?? 0,
        violations: known?.violations ?? 0,
        silences: known?.silences ?? 0,
        averageFidelity,
        observations: accepted,
        scored,
        duelRating,
        reward: rewardOf(accepted, rules.duels.rewarded ? duelRating : averageFidelity),
      };
    },
  };
}

/** The miners' records in `store`. */
export function createMiners(store: Store, rules: RuleSet): Miners {
  const reader = createMinerReader(store, rules);
  const ensure = (hotkey: string): void =>
    store.run(
      `INSERT INTO miners (hotkey, cooldown_until, cooldown_violations, violations, average_fidelity)
       VALUES (?, 0, 0, 0, ?) ON CONFLICT DO NOTHING`,
      hotkey,
      rules.averageStart,
    );
  const cool = (hotkey: string, assignedAt: number, isBad: boolean, now: number): void => {
    ensure(hotkey);
    store.run(
      "UPDATE miners SET cooldown_until = max(cooldown_until, ?) WHERE hotkey = ?",
      cooldownEnd(rules, { now, assignedAt, isBad }),
      hotkey,
    );
  };
  const countViolation = (hotkey: string, now: number): void =>
    store.transaction(() => {
      cool(hotkey, now, true, now);
      store.run("UPDATE miners SET violations = violations + 1 WHERE hotkey = ?", hotkey);
    });
  const record = (verdict: RecordVerdict, now: number): void => {
    const { averageFidelity, observations, reward, cooldownUntil } = reader.get(
      verdict.hotkey,
      now,
    );
    const after = { averageFidelity, observations, reward, cooldownUntil };
    addToHistory(store, { ...verdict, ...after, at: now });
  };
  return {
    ...reader,
    countCooldownViolation(hotkey) {
      // A miner has one, so it has a row. Not synced: it may pull as often as it likes.
      const known = row
        .optional()
        .parse(store.get("SELECT * FROM miners WHERE hotkey = ?", hotkey));
      store.note(
        `UPDATE miners SET cooldown_violations = cooldown_violations + 1,
           cooldown_until = cooldown_until + ? WHERE hotkey = ?`,
        violationCostMs(rules, known?.cooldown_violations ?? 0),
        hotkey,
      );
    },
    countViolation,
    recordViolation: (violation, now) =>
      store.transaction(() => {
        countViolation(violation.hotkey, now);
        const nothing = { assignmentId: undefined, score: 0, fidelity: 0, averageShare: 0 };
        record({ ...violation, ...nothing, verdict: "rejected" }, now);
      }, "noted"),
    boundCooldowns: (now) =>
      store.run(
        "UPDATE miners SET cooldown_until = ?1 WHERE cooldown_until > ?1",
        now + longestCooldownMs(rules),
      ),
    countSilence: (hotkey, now) =>
      store.transaction(() => {
        cool(hotkey, now, false, now);
        store.run("UPDATE miners SET silences = silences + 1 WHERE hotkey = ?", hotkey);
      }),
    applyScore: ({ id, hotkey, createdAt }, fidelity, now) =>
      store.transaction(() => {
        const seen = store.get("SELECT 1 FROM observations WHERE assignment_id = ?", id);
        if (seen !== undefined) {
          return 0;
        }
        ensure(hotkey);
        store.run("INSERT INTO observations VALUES (?, ?, ?, ?)", id, hotkey, now, fidelity);
        const { average_fidelity } = row.parse(
          store.get("SELECT * FROM miners WHERE hotkey = ?", hotkey),
        );
        store.run(
          "UPDATE miners SET average_fidelity = ? WHERE hotkey = ?",
          nextAverage(rules, average_fidelity, fidelity),
          hotkey,
        );
        cool(hotkey, createdAt.getTime(), fidelity === 0, now);
        return averageShareOf(rules, fidelity);
      }),
    withdraw: (assignmentId) =>
      store.run("UPDATE observations SET fidelity = 0 WHERE assignment_id = ?", assignmentId),
    earned: (assignmentId, now) =>
      fidelityRow
        .optional()
        .parse(
          store.get(
            "SELECT fidelity FROM observations WHERE assignment_id = ? AND at > ?",
            assignmentId,
            now - rules.windowMs,
          ),
        )?.fidelity,
    replaceFidelity: (replaced, now) =>
      store.transaction(() => {
        const { hotkey, assignmentId = null, fidelity } = replaced;
        store.run(
          "UPDATE observations SET fidelity = ? WHERE assignment_id = ?",
          fidelity,
          assignmentId,
        );
        const entry = { ...replaced, code: replacedCode, averageShare: undefined };
        record(entry, now); // first: the average follows from the whole history
        const average = averageOf(store, hotkey, (after) => averageShareOf(rules, after));
        if (average !== undefined) {
          store.run("UPDATE miners SET average_fidelity = ? WHERE hotkey = ?", average, hotkey);
          amendHistory(store, hotkey, reader.get(hotkey, now));
        }
      }),
    record,
    startCooldown: ({ hotkey, createdAt }, now) => cool(hotkey, createdAt.getTime(), false, now),
  };
}
