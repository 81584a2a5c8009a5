/** Where the miner stands with each validator: what its own records say, for people and for metrics. */
import { z } from "zod";
import { type Database, openDatabaseReader } from "./database.ts";

export interface ValidatorStanding {
  /** ss58 */
  readonly hotkey: string;
  readonly ip: string;
  readonly port: number;
  /** Ended within the records' month. */
  readonly tasks: number;
  readonly accepted: number;
  /** In hand now. */
  readonly unfinished: number;
  /** As the validator told it last, 0 to 1; undefined when it never did. */
  readonly average: number | undefined;
  readonly reward: number | undefined;
  /** ms since 1970 UTC until when it is not asked. */
  readonly askAt: number;
  /** Of the latest tasks that were not accepted, newest first: outcome and reason. */
  readonly lastReasons: readonly string[];
  /** Why the last pulls failed; empty when the last one did not. */
  readonly failure: string;
  /** How long generating took for its latest tasks, ms; undefined without any. */
  readonly generateMs: { readonly p50: number; readonly p95: number } | undefined;
}

export interface EndpointStanding {
  readonly endpoint: string;
  /** Tries within the last day. */
  readonly tries: number;
  readonly failures: number;
  readonly generateMs: { readonly p50: number; readonly p95: number } | undefined;
  readonly lastFailure: string;
}

export interface MinerStanding {
  readonly validators: readonly ValidatorStanding[];
  readonly endpoints: readonly EndpointStanding[];
}

/** How many of a validator's latest tasks the times are of. */
const latestTasks = 1_000;
const reasonCount = 3;
const dayMs = 86_400_000;

const validatorRow = z.object({
  hotkey: z.string(),
  ip: z.string(),
  port: z.number(),
  ask_at: z.number(),
  failure: z.string(),
  tasks: z.number(),
  accepted: z.number(),
  unfinished: z.number(),
});
const saidRow = z.object({ average: z.number(), reward: z.number() });
const reasonRow = z.object({ outcome: z.string(), reason: z.string() });
const msRow = z.object({ ms: z.number() });
const endpointRow = z.object({ endpoint: z.string(), tries: z.number(), failures: z.number() });
const failureRow = z.object({ failure: z.string() });

/**
 * Reads the records of a miner, running or not.
 * @param now ms since 1970 UTC
 * @throws MinerStoreError when there are none
 */
export function readStanding(directory: string, now: number): MinerStanding {
  using database = openDatabaseReader(directory);
  return standingOf(database, now);
}

export function standingOf(database: Database, now: number): MinerStanding {
  const validators = database
    .all(
      `SELECT validator.hotkey, validator.ip, validator.port, ask_at, failure,
         count(task.number) FILTER (WHERE state = 'done') AS tasks,
         count(task.number) FILTER (WHERE outcome = 'accepted') AS accepted,
         count(task.number) FILTER (WHERE state <> 'done') AS unfinished
       FROM validator LEFT JOIN task ON task.validator = validator.hotkey
       GROUP BY validator.hotkey ORDER BY tasks DESC, validator.hotkey`,
    )
    .map((row) => describeValidator(database, validatorRow.parse(row)));
  const endpoints = database
    .all(
      `SELECT endpoint, count(*) AS tries, count(*) FILTER (WHERE failure <> '') AS failures
       FROM generation WHERE at > ? GROUP BY endpoint ORDER BY endpoint`,
      now - dayMs,
    )
    .map((row) => describeEndpoint(database, endpointRow.parse(row)));
  return { validators, endpoints };
}

function describeValidator(
  database: Database,
  { ask_at: askAt, ...row }: z.infer<typeof validatorRow>,
): ValidatorStanding {
  const said = database.get(
    `SELECT average, reward FROM task WHERE validator = ? AND average IS NOT NULL
     ORDER BY done_at DESC, number DESC LIMIT 1`,
    row.hotkey,
  );
  const lastReasons = database
    .all(
      `SELECT outcome, reason FROM task WHERE validator = ? AND state = 'done' AND outcome <> 'accepted'
       ORDER BY done_at DESC, number DESC LIMIT ?`,
      ...[row.hotkey, reasonCount],
    )
    .map((line) => {
      const { outcome, reason } = reasonRow.parse(line);
      return reason === "" ? outcome : `${outcome}: ${reason}`;
    });
  const times = database.all(
    `SELECT generate_ms AS ms FROM task WHERE validator = ? AND generate_ms IS NOT NULL
     ORDER BY number DESC LIMIT ?`,
    ...[row.hotkey, latestTasks],
  );
  const { average, reward } = said === undefined ? {} : saidRow.parse(said);
  return { ...row, average, reward, askAt, lastReasons, generateMs: percentiles(times) };
}

function describeEndpoint(database: Database, row: z.infer<typeof endpointRow>): EndpointStanding {
  const times = database.all(
    "SELECT ms FROM generation WHERE endpoint = ? AND failure = '' ORDER BY at DESC LIMIT ?",
    ...[row.endpoint, latestTasks],
  );
  const last = database.get(
    "SELECT failure FROM generation WHERE endpoint = ? AND failure <> '' ORDER BY at DESC LIMIT 1",
    row.endpoint,
  );
  const lastFailure = last === undefined ? "" : failureRow.parse(last).failure;
  return { ...row, generateMs: percentiles(times), lastFailure };
}

function percentiles(rows: readonly unknown[]): ValidatorStanding["generateMs"] {
  const sorted = rows.map((row) => msRow.parse(row).ms).toSorted((a, b) => a - b);
  const at = (share: number): number | undefined =>
    sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
  const [p50, p95] = [at(0.5), at(0.95)];
  return p50 === undefined || p95 === undefined ? undefined : { p50, p95 };
}
