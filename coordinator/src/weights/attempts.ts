/** What was sent to the chain as weights, and what it said: one row for each attempt, kept for a month. */
import type { ChainOutcome } from "@turntable/bittensor/chain";
import { z } from "zod";
import type { Store, StoreReader } from "../store/index.ts";
import type { WeightRow } from "./weights-now.ts";

/** How an attempt ended: as the chain says it, or without a word from it. */
export type AttemptOutcome = ChainOutcome | { readonly kind: "failed"; readonly message: string };

export interface WeightAttempt {
  readonly id: number;
  readonly netuid: number;
  /** Whose weights they are, ss58. */
  readonly validator: string;
  /** ms since 1970 UTC */
  readonly at: number;
  /** The block of the chain's state that it was decided by. */
  readonly block: number;
  readonly versionKey: number;
  readonly rows: readonly WeightRow[];
  /** Undefined while it is under way, and when the process ended meanwhile. */
  readonly outcome: AttemptOutcome["kind"] | undefined;
  /** What the chain said beside that; empty when nothing. */
  readonly message: string;
  readonly includedBlock: number | undefined;
  /** The round whose signature reveals them, where they were committed. */
  readonly revealRound: string | undefined;
}

export interface AttemptReader {
  /** The newest, of any outcome, first; those before the one with the number `before`. */
  latest(
    netuid: number,
    validator: string,
    limit: number,
    before?: number,
  ): readonly WeightAttempt[];
  /**
   * Those that the chain took after `since` (ms since 1970 UTC), of all validators, oldest first; the latest ones when
   * there are more than `most`.
   */
  included(since: number, most?: number): readonly WeightAttempt[];
  /**
   * The weight that a hotkey had, 0 when none, and the block, when the validator's weights were next taken from `since` on
   * (ms since 1970 UTC); undefined while they were not.
   */
  weightAfter(
    netuid: number,
    validator: string,
    hotkey: string,
    since: number,
  ): { readonly weight: number; readonly block: number } | undefined;
}

export interface Attempts extends AttemptReader {
  /** Writes down what is about to be sent. @returns the attempt's number */
  begin(
    attempt: Pick<WeightAttempt, "netuid" | "validator" | "at" | "block" | "versionKey" | "rows">,
  ): number;
  end(id: number, outcome: AttemptOutcome): void;
}

/** With 256 weights an attempt has some 20 kB. */
const keepMs = 30 * 86_400_000;

const rowsJson = z.array(
  z.object({ uid: z.number(), hotkey: z.string(), reward: z.number(), weight: z.number() }),
);
const kinds = [
  "included",
  "unchanged",
  "refused",
  "unknown",
  "failed",
] as const satisfies readonly AttemptOutcome["kind"][];
const attemptRow = z.object({
  id: z.number(),
  netuid: z.number(),
  validator: z.string(),
  at: z.number(),
  block: z.number(),
  version_key: z.number(),
  weights: z.string(),
  outcome: z.enum(kinds).nullable(),
  message: z.string(),
  included_block: z.number().nullable(),
  reveal_round: z.string().nullable(),
});

/** The attempts in `store`, for looking at. */
export function readAttempts(store: StoreReader): AttemptReader {
  return {
    latest: (netuid, validator, limit, before = Number.MAX_SAFE_INTEGER) =>
      store
        .all(
          `SELECT * FROM weight_attempts WHERE netuid = ? AND validator = ? AND id < ?
           ORDER BY id DESC LIMIT ?`,
          netuid,
          validator,
          before,
          limit,
        )
        .map(parseAttempt),
    included: (since, most = -1) =>
      store
        .all(
          `SELECT * FROM weight_attempts WHERE at > ? AND outcome = 'included'
           ORDER BY at DESC LIMIT ?`,
          since,
          most, // SQLite's own "all"
        )
        .map(parseAttempt)
        .reverse(),
    weightAfter(netuid, validator, hotkey, since) {
      const found = store.get(
        `SELECT * FROM weight_attempts WHERE at >= ? AND netuid = ? AND validator = ?
           AND outcome = 'included' ORDER BY at LIMIT 1`,
        since,
        netuid,
        validator,
      );
      if (found === undefined) {
        return undefined;
      }
      const { rows, block, includedBlock = block } = parseAttempt(found);
      const weight = rows.find((row) => row.hotkey === hotkey)?.weight ?? 0;
      return { weight, block: includedBlock };
    },
  };
}

/** The attempts in `store`. */
export function createAttempts(store: Store): Attempts {
  return {
    ...readAttempts(store),
    begin: ({ netuid, validator, at, block, versionKey, rows }) =>
      store.transaction(() => {
        store.run("DELETE FROM weight_attempts WHERE at < ?", at - keepMs);
        const made = store.get(
          `INSERT INTO weight_attempts (netuid, validator, at, block, version_key, weights)
           VALUES (?, ?, ?, ?, ?, ?) RETURNING id`,
          netuid,
          validator,
          at,
          block,
          versionKey,
          JSON.stringify(rows),
        );
        return z.object({ id: z.number() }).parse(made).id;
      }),
    end(id, outcome) {
      const isIncluded = outcome.kind === "included";
      store.run(
        `UPDATE weight_attempts SET outcome = ?, message = ?, included_block = ?, reveal_round = ?
         WHERE id = ?`,
        outcome.kind,
        messageOf(outcome),
        isIncluded ? outcome.block : null,
        isIncluded ? (outcome.revealRound?.toString() ?? null) : null,
        id,
      );
    },
  };
}

function messageOf(outcome: AttemptOutcome): string {
  switch (outcome.kind) {
    case "refused":
      return `${outcome.name}: ${outcome.message}`;
    case "unknown":
    case "failed":
      return outcome.message;
    case "included":
    case "unchanged":
      return "";
    default:
      throw new TypeError(`unknown outcome ${String(outcome satisfies never)}`);
  }
}

function parseAttempt(value: unknown): WeightAttempt {
  const row = attemptRow.parse(value);
  return {
    id: row.id,
    netuid: row.netuid,
    validator: row.validator,
    at: row.at,
    block: row.block,
    versionKey: row.version_key,
    rows: rowsJson.parse(JSON.parse(row.weights)),
    outcome: row.outcome ?? undefined,
    message: row.message,
    includedBlock: row.included_block ?? undefined,
    revealRound: row.reveal_round ?? undefined,
  };
}
