/**
 * Which accepted assets meet in a duel, and what came of it.
 *
 * B1 Two assets meet that were made for the same prompt by different hotkeys within the miners' window, each pair once.
 * B2 A duel counts once: its outcome and both ratings are written in one transaction.
 * B3 There is a bound for everything: pictures, pairs that wait, and how long either is kept.
 */
import { z } from "zod";
import { countDuel } from "../miners/index.ts";
import type { RuleSet } from "../rules/index.ts";
import type { Store } from "../store/index.ts";
import type { Accepted } from "../submissions/index.ts";

/** Two assets that nobody has compared yet. */
export interface Duel {
  readonly number: number;
  readonly prompt: string;
  readonly one: Contender;
  readonly other: Contender;
}

export interface Contender {
  /** ss58 */
  readonly hotkey: string;
  /** JPEG */
  readonly picture: Uint8Array;
}

/** Who made the better one; `none` when nobody could say, which rates nobody. */
export type DuelOutcome = "one" | "other" | "draw" | "none";

/** `now` is ms since 1970 UTC throughout. */
export interface DuelBook {
  /** An asset was accepted: it meets some of those that were made for the same prompt. */
  enter(accepted: Accepted, now: number): void;
  /** The newest duel that waits; undefined when none does. */
  next(now: number): Duel | undefined;
  /** How it ended; false when it had ended before, and nothing changed (B2). */
  end(duel: Duel, outcome: DuelOutcome, now: number): boolean;
  /** Nobody could say this time; the third time it ends so. */
  setAside(duel: Duel, now: number): void;
  /** When the latest duel ended; undefined when there was none. */
  lastEndedAt(): number | undefined;
  /** Forgets what is out of date or too much (B3). */
  trim(now: number): void;
}

/** An asset meets so many others at most when it comes. */
const opponents = 3;
/** Of 20 to 60 kB each. */
const maxPictures = 512;
const maxPictureBytes = 512 * 1024;
const maxWaiting = 1_000;
/** A duel that so many answers did not decide is not asked about again. */
const maxTries = 3;
/** How long ended duels are kept, in ms. */
const keepMs = 30 * 86_400_000;

const scores = { one: 1, draw: 0.5, other: 0 } as const;

const idRow = z.object({ id: z.string() });
const endRow = z.object({ ended_at: z.number() });
const openRow = z.object({ tries: z.number() });
const duelRow = z.object({
  number: z.number(),
  prompt: z.string(),
  one_hotkey: z.string(),
  one_picture: z.instanceof(Uint8Array),
  other_hotkey: z.string(),
  other_picture: z.instanceof(Uint8Array),
});

/** The duels in `store`. */
export function createDuelBook(store: Store, rules: RuleSet): DuelBook {
  const openDuel = ({ number }: Duel) =>
    openRow
      .optional()
      .parse(store.get("SELECT tries FROM duels WHERE number = ? AND ended_at IS NULL", number));

  const end = (duel: Duel, outcome: DuelOutcome, now: number): boolean =>
    store.transaction(() => {
      if (openDuel(duel) === undefined) {
        return false;
      }
      store.run(
        "UPDATE duels SET ended_at = ?, outcome = ? WHERE number = ?",
        now,
        outcome,
        duel.number,
      );
      if (outcome !== "none") {
        const { one, other } = duel;
        const result = { one: one.hotkey, other: other.hotkey, score: scores[outcome] };
        countDuel(store, rules, result, now);
      }
      return true;
    });

  return {
    end,
    enter({ id, hotkey, prompt, picture }, now) {
      if (picture.length === 0 || picture.length > maxPictureBytes) {
        return;
      }
      const others = store
        .all(
          `SELECT id FROM duel_entries WHERE prompt = ? AND at > ? AND hotkey <> ?
           ORDER BY at DESC LIMIT ?`,
          prompt,
          now - rules.windowMs,
          hotkey,
          opponents,
        )
        .map((row) => idRow.parse(row).id);
      store.run(
        "INSERT INTO duel_entries VALUES (?, ?, ?, ?, ?)",
        id,
        now,
        hotkey,
        prompt,
        picture,
      );
      for (const other of others) {
        store.run("INSERT INTO duels (made_at, one, other) VALUES (?, ?, ?)", now, id, other); // B1
      }
    },
    next(now) {
      // What was withdrawn since, as a duplicate, meets nobody.
      const found = store.get(
        `SELECT d.number, a.prompt, a.hotkey AS one_hotkey, a.picture AS one_picture,
           b.hotkey AS other_hotkey, b.picture AS other_picture
         FROM duels d INDEXED BY duels_waiting
         CROSS JOIN duel_entries a ON a.id = d.one CROSS JOIN duel_entries b ON b.id = d.other
         WHERE d.ended_at IS NULL AND min(a.at, b.at) > ?
           AND (SELECT min(fidelity) FROM observations WHERE assignment_id IN (d.one, d.other)) > 0
         ORDER BY d.number DESC LIMIT 1`,
        now - rules.windowMs,
      );
      if (found === undefined) {
        return undefined;
      }
      const row = duelRow.parse(found);
      return {
        number: row.number,
        prompt: row.prompt,
        one: { hotkey: row.one_hotkey, picture: row.one_picture },
        other: { hotkey: row.other_hotkey, picture: row.other_picture },
      };
    },
    setAside: (duel, now) =>
      store.transaction(() => {
        store.run("UPDATE duels SET tries = tries + 1 WHERE number = ?", duel.number);
        if ((openDuel(duel)?.tries ?? 0) >= maxTries) {
          end(duel, "none", now);
        }
      }),
    lastEndedAt: () =>
      endRow
        .optional()
        .parse(
          store.get(
            "SELECT ended_at FROM duels WHERE ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT 1",
          ),
        )?.ended_at,
    trim: (now) =>
      store.transaction(() => {
        const oldest = now - rules.windowMs;
        store.run("DELETE FROM duel_entries WHERE at <= ?", oldest);
        store.run(
          `DELETE FROM duel_entries WHERE at <=
             (SELECT at FROM duel_entries WHERE at > ? ORDER BY at DESC LIMIT 1 OFFSET ?)`,
          oldest,
          maxPictures,
        );
        store.run(
          `DELETE FROM duels WHERE ended_at IS NULL AND number <=
             (SELECT number FROM duels WHERE ended_at IS NULL ORDER BY number DESC LIMIT 1 OFFSET ?)`,
          maxWaiting,
        );
        store.run("DELETE FROM duels WHERE ended_at IS NULL AND made_at <= ?", oldest);
        store.run("DELETE FROM duels WHERE ended_at <= ?", now - keepMs);
      }),
  };
}
