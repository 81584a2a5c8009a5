/** What the miner knows of validators and of its generation endpoints, beside the tasks. */
import type { AxonTarget } from "@turntable/bittensor/dendrite";
import { z } from "zod";
import type { Database } from "./database.ts";

/** When each validator may be asked again; a restart keeps to it. */
export interface ValidatorRecords {
  /** ms since 1970 UTC; 0 for one that was never asked. */
  askAt(hotkey: string): number;
  /** @param askAt ms since 1970 UTC */
  rest(target: AxonTarget, askAt: number): void;
  /** A pull was answered: the failures before it are over. */
  answered(target: AxonTarget): void;
  /** A pull failed. @returns how many did, in a row */
  failed(target: AxonTarget, reason: string): number;
  /** The validators that the chain named last. */
  listed(): readonly AxonTarget[];
  list(validators: readonly AxonTarget[]): void;
}

/** Tries at generation endpoints. */
export interface GenerationRecords {
  /** @param at ms since 1970 UTC; @param failure empty when something was made */
  add(endpoint: string, at: number, ms: number, failure: string): void;
  /** How many tries there were after `at`. */
  countSince(endpoint: string, at: number): number;
  /** How long the latest successful ones took, in ms, newest first. */
  latestMs(endpoint: string, count: number): readonly number[];
}

const keepMs = 30 * 86_400_000;

const recordRow = z.object({ ask_at: z.number(), failures: z.number() });
const targetRow = z.object({ hotkey: z.string(), ip: z.string(), port: z.number() });
const countRow = z.object({ count: z.number() });
const msRow = z.object({ ms: z.number() });

export function createValidatorRecords(database: Database): ValidatorRecords {
  const find = (hotkey: string) => {
    const row = database.get("SELECT ask_at, failures FROM validator WHERE hotkey = ?", hotkey);
    return row === undefined ? undefined : recordRow.parse(row);
  };
  const ensure = ({ hotkey, ip, port }: AxonTarget): void =>
    database.run(
      `INSERT INTO validator (hotkey, ip, port) VALUES (?, ?, ?)
       ON CONFLICT (hotkey) DO UPDATE SET ip = excluded.ip, port = excluded.port`,
      ...[hotkey, ip, port],
    );
  return {
    askAt: (hotkey) => find(hotkey)?.ask_at ?? 0,
    rest(target, askAt) {
      ensure(target);
      database.run("UPDATE validator SET ask_at = ? WHERE hotkey = ?", askAt, target.hotkey);
    },
    answered({ hotkey }) {
      database.run("UPDATE validator SET failures = 0, failure = '' WHERE hotkey = ?", hotkey);
    },
    failed(target, reason) {
      ensure(target);
      database.run(
        "UPDATE validator SET failures = failures + 1, failure = ? WHERE hotkey = ?",
        ...[reason, target.hotkey],
      );
      return find(target.hotkey)?.failures ?? 1;
    },
    listed: () =>
      database
        .all("SELECT hotkey, ip, port FROM validator WHERE is_listed = 1 ORDER BY hotkey")
        .map((row) => targetRow.parse(row)),
    list(validators) {
      database.transaction(() => {
        database.run("UPDATE validator SET is_listed = 0");
        for (const target of validators) {
          ensure(target);
          database.run("UPDATE validator SET is_listed = 1 WHERE hotkey = ?", target.hotkey);
        }
      });
    },
  };
}

export function createGenerationRecords(database: Database): GenerationRecords {
  return {
    add(endpoint, at, ms, failure) {
      database.run(
        "INSERT INTO generation (endpoint, at, ms, failure) VALUES (?, ?, ?, ?)",
        ...[endpoint, at, ms, failure],
      );
      database.run("DELETE FROM generation WHERE endpoint = ? AND at < ?", endpoint, at - keepMs);
    },
    countSince: (endpoint, at) =>
      countRow.parse(
        database.get(
          "SELECT count(*) AS count FROM generation WHERE endpoint = ? AND at > ?",
          ...[endpoint, at],
        ),
      ).count,
    latestMs: (endpoint, count) =>
      database
        .all(
          "SELECT ms FROM generation WHERE endpoint = ? AND failure = '' ORDER BY at DESC LIMIT ?",
          ...[endpoint, count],
        )
        .map((row) => msRow.parse(row).ms),
  };
}
