/** A coordinator's database with a long history, written in bulk. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** 256 miners with a cooldown of a minute bring so many tasks a day. */
const tasksADay = 370_000;
const dayMs = 24 * 3_600_000;
/** So many are kept of each miner. */
const verdictsOfEach = 1_000;
/** About what a report of 36 views has. */
const reportBytes = 800;

/**
 * Fills the database of a stopped coordinator with tasks that are all synthetic, ended and accepted, at the rate of a full subnet and up to now.
 * @param directory the coordinator's data directory
 * @param miners their ss58, one after the other
 */
export function writeHistory(directory: string, tasks: number, miners: readonly string[]): void {
  using database = new DatabaseSync(join(directory, "coordinator.sqlite"));
  database.exec(`
    PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF;
    PRAGMA cache_size = -1000000; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF;
    BEGIN;
    CREATE TEMP TABLE miners_by_number (n INTEGER PRIMARY KEY, hotkey TEXT NOT NULL);
    CREATE TEMP TABLE history (task TEXT NOT NULL, id TEXT NOT NULL, hotkey TEXT NOT NULL, at INTEGER NOT NULL);
  `);
  const number = database.prepare("INSERT INTO miners_by_number VALUES (?, ?)");
  for (const [n, hotkey] of miners.entries()) {
    number.run(n, hotkey);
  }
  const now = Date.now();
  const everyMs = dayMs / tasksADay;
  database
    .prepare(
      `WITH RECURSIVE series (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n + 1 < ?1)
       INSERT INTO history SELECT lower(hex(randomblob(18))), lower(hex(randomblob(18))), m.hotkey,
         CAST(?2 - (?1 - s.n) * ?3 AS INTEGER)
       FROM series s JOIN miners_by_number m ON m.n = s.n % ?4`,
    )
    .run(tasks, now, everyMs, miners.length);
  const feedback = JSON.stringify({
    ...{ verdict: "accepted", reason: "", score: 0.9, fidelity: 1, averageFidelity: 1 },
    ...{ observations: 1, reward: 1, cooldownUntil: 0 },
  });
  // In the order of the primary keys where those are random, which is much faster.
  database.exec(`
    INSERT INTO tasks (id, class, prompt, state, camera_seed, created_at, updated_at, expires_at, ended_at, client,
        best_assignment, first_accepted_at)
      SELECT task, 'synthetic', 'a red ceramic teapot with a lid', 'succeeded', '1234567890123456789', at, at, at + 600000,
        at + 20000, 'synthetic', id, at + 20000 FROM history ORDER BY task;
    INSERT INTO assignments (id, task_id, hotkey, attempt, created_at, expires_at, ended_at, state, score)
      SELECT id, task, hotkey, 1, at, at + 600000, at + 20000, 'accepted', 0.9 FROM history ORDER BY id;
    INSERT INTO submissions (id, validator, asset_sha256, asset_size, format, format_version, compression, submit_time,
        signature, received_at, verdict, feedback, ended_at, keep)
      SELECT id, 'an axon', lower(hex(randomblob(32))), 1000000, 'spz', 0, 2, '1764000000000000001', randomblob(64),
        at + 15000, 'accepted', '${feedback}', at + 20000, CASE WHEN at > ${now - dayMs} THEN 'short' END
      FROM history ORDER BY at;
    INSERT INTO reports (id, report) SELECT id, randomblob(${reportBytes}) FROM history ORDER BY id;
    INSERT INTO observations (assignment_id, hotkey, at, fidelity)
      SELECT id, hotkey, at + 20000, 1 FROM history WHERE at > ${now - 2 * dayMs} ORDER BY id;
    INSERT INTO miners (hotkey, cooldown_until, cooldown_violations, violations, average_fidelity)
      SELECT hotkey, 0, 0, 0, 1 FROM miners_by_number;
    INSERT INTO verdicts (hotkey, at, assignment_id, verdict, code, reason, score, fidelity, average_fidelity,
        observations, reward, cooldown_until)
      SELECT hotkey, at + 20000, id, 'accepted', 'accepted', '', 0.9, 1, 1, 1, 1, 0 FROM history
      WHERE at > ${now} - ${verdictsOfEach} * ${miners.length} * ${everyMs} ORDER BY at;
    INSERT INTO task_events (task_id, sequence, at, kind, state, hotkey, message)
      SELECT task, k.column1, at, k.column2, k.column3, k.column4, ''
      FROM (SELECT task, at FROM history ORDER BY task),
        (VALUES (1, 'created', 'queued', ''), (2, 'assigned', 'assigned', 'm'), (3, 'submitted', 'scoring', 'm'),
          (4, 'accepted', 'queued', 'm'), (5, 'succeeded', 'succeeded', 'm')) k;
    COMMIT;
  `);
}
