/**
 * The tables. Each entry brings the schema one version up and may rebuild tables (see migrate.ts); landed entries are
 * never changed. Times are milliseconds since 1970 UTC by the coordinator's clock; 64-bit numbers that JavaScript
 * cannot hold are text. Which states and verdicts there are is not said in SQL, where it could hardly be changed: the
 * modules check every row that they read.
 */
import { z } from "zod";

export const coordinatorMigrations: readonly string[] = [
  `
CREATE TABLE tasks (
  id TEXT PRIMARY KEY,
  class TEXT NOT NULL CHECK (class IN ('organic', 'synthetic')),
  prompt TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'assigned', 'scoring', 'succeeded', 'failed')),
  camera_seed TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  idempotency_key TEXT,
  client TEXT NOT NULL,
  best_assignment TEXT,
  first_accepted_at INTEGER,
  failure_code TEXT,
  failure_message TEXT
) STRICT;
CREATE UNIQUE INDEX tasks_by_key ON tasks (client, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX tasks_by_client ON tasks (client, created_at, id);
CREATE INDEX tasks_open ON tasks (created_at) WHERE state NOT IN ('succeeded', 'failed');

CREATE TABLE assignments (
  id TEXT PRIMARY KEY,
  task_id TEXT NOT NULL REFERENCES tasks (id),
  hotkey TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('generating', 'scoring', 'abandoned', 'accepted', 'rejected',
    'invalid-asset', 'system-fault')),
  score REAL,
  reason TEXT NOT NULL DEFAULT '',
  UNIQUE (task_id, hotkey, attempt)
) STRICT;
CREATE INDEX assignments_by_hotkey ON assignments (hotkey, created_at);
CREATE INDEX assignments_open ON assignments (expires_at) WHERE state IN ('generating', 'scoring');

CREATE TABLE task_events (
  task_id TEXT NOT NULL REFERENCES tasks (id),
  sequence INTEGER NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  hotkey TEXT NOT NULL,
  score REAL,
  message TEXT NOT NULL,
  PRIMARY KEY (task_id, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE submissions (
  id TEXT PRIMARY KEY,
  assignment_id TEXT NOT NULL UNIQUE REFERENCES assignments (id),
  asset_sha256 TEXT NOT NULL,
  asset_size INTEGER NOT NULL,
  format TEXT NOT NULL,
  format_version INTEGER NOT NULL,
  compression INTEGER NOT NULL,
  submit_time TEXT NOT NULL,
  signature BLOB NOT NULL,
  received_at INTEGER NOT NULL,
  traceparent TEXT,
  dispatch INTEGER NOT NULL DEFAULT 0,
  verdict TEXT CHECK (verdict IN ('accepted', 'rejected', 'invalid-asset', 'system-fault')),
  feedback TEXT,
  report BLOB
) STRICT;
CREATE INDEX submissions_pending ON submissions (received_at) WHERE verdict IS NULL;

CREATE TABLE miners (
  hotkey TEXT PRIMARY KEY,
  cooldown_until INTEGER NOT NULL,
  cooldown_violations INTEGER NOT NULL,
  violations INTEGER NOT NULL,
  average_fidelity REAL NOT NULL
) STRICT;

CREATE TABLE observations (
  assignment_id TEXT PRIMARY KEY REFERENCES assignments (id),
  hotkey TEXT NOT NULL,
  at INTEGER NOT NULL,
  fidelity REAL NOT NULL
) STRICT;
CREATE INDEX observations_by_hotkey ON observations (hotkey, at);
`,
  // Whose axon took the submission; empty for those from when there was one axon only.
  "ALTER TABLE submissions ADD COLUMN validator TEXT NOT NULL DEFAULT '';",
  // Whether the score is a demonstration model's.
  `
ALTER TABLE assignments ADD COLUMN demonstration INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_events ADD COLUMN demonstration INTEGER NOT NULL DEFAULT 0;
`,
  // Rebuilds what had state lists. When something ended is written down; a submission is known by its assignment's id
  // alone and has a place in the order of arrival; reports have a table of their own, so that whoever looks through
  // submissions does not read them.
  `
CREATE TABLE new_tasks (
  id TEXT PRIMARY KEY,
  class TEXT NOT NULL,
  prompt TEXT NOT NULL,
  state TEXT NOT NULL,
  camera_seed TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  ended_at INTEGER,
  idempotency_key TEXT,
  client TEXT NOT NULL,
  best_assignment TEXT,
  first_accepted_at INTEGER,
  failure_code TEXT,
  failure_message TEXT
) STRICT;
INSERT INTO new_tasks
  SELECT id, class, prompt, state, camera_seed, created_at, updated_at, expires_at,
    CASE WHEN state IN ('succeeded', 'failed') THEN
      coalesce((SELECT max(at) FROM task_events WHERE task_id = tasks.id AND kind = tasks.state), updated_at) END,
    idempotency_key, client, best_assignment, first_accepted_at, failure_code, failure_message
  FROM tasks;
DROP TABLE tasks;
ALTER TABLE new_tasks RENAME TO tasks;
CREATE UNIQUE INDEX tasks_by_key ON tasks (client, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX tasks_by_client ON tasks (client, created_at, id);
CREATE INDEX tasks_open ON tasks (created_at) WHERE ended_at IS NULL;

CREATE TABLE new_assignments (
  id TEXT PRIMARY KEY,
  task_id TEXT NOT NULL REFERENCES tasks (id),
  hotkey TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  ended_at INTEGER,
  state TEXT NOT NULL,
  score REAL,
  demonstration INTEGER NOT NULL DEFAULT 0,
  reason TEXT NOT NULL DEFAULT '',
  UNIQUE (task_id, hotkey, attempt)
) STRICT;
INSERT INTO new_assignments
  SELECT id, task_id, hotkey, attempt, created_at, expires_at,
    CASE WHEN state NOT IN ('generating', 'scoring') THEN
      coalesce((SELECT max(at) FROM task_events e WHERE e.task_id = a.task_id AND e.hotkey = a.hotkey
        AND e.kind = a.state), expires_at) END,
    state, score, demonstration, reason
  FROM assignments a;
DROP TABLE assignments;
ALTER TABLE new_assignments RENAME TO assignments;
CREATE INDEX assignments_by_hotkey ON assignments (hotkey, created_at);
CREATE INDEX assignments_open ON assignments (expires_at) WHERE ended_at IS NULL;

CREATE TABLE new_submissions (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE REFERENCES assignments (id),
  validator TEXT NOT NULL,
  asset_sha256 TEXT NOT NULL,
  asset_size INTEGER NOT NULL,
  format TEXT NOT NULL,
  format_version INTEGER NOT NULL,
  compression INTEGER NOT NULL,
  submit_time TEXT NOT NULL,
  signature BLOB NOT NULL,
  received_at INTEGER NOT NULL,
  traceparent TEXT,
  dispatch INTEGER NOT NULL DEFAULT 0,
  verdict TEXT,
  feedback TEXT
) STRICT;
INSERT INTO new_submissions (id, validator, asset_sha256, asset_size, format, format_version, compression,
    submit_time, signature, received_at, traceparent, dispatch, verdict, feedback)
  SELECT assignment_id, validator, asset_sha256, asset_size, format, format_version, compression,
    submit_time, signature, received_at, traceparent, dispatch, verdict, feedback
  FROM submissions ORDER BY received_at, id;
CREATE TABLE reports (
  id TEXT PRIMARY KEY REFERENCES submissions (id),
  report BLOB NOT NULL
) STRICT;
INSERT INTO reports SELECT assignment_id, report FROM submissions WHERE report IS NOT NULL;
DROP TABLE submissions;
ALTER TABLE new_submissions RENAME TO submissions;
CREATE INDEX submissions_pending ON submissions (sequence) WHERE verdict IS NULL;
`,
  // W3C trace context in which the task was created.
  "ALTER TABLE tasks ADD COLUMN traceparent TEXT;",
  // What is needed to know an object again: by its bytes, and by its geometry (`size` is the logarithm that a
  // fingerprint begins with, so that only fingerprints near it have to be compared).
  `
CREATE INDEX submissions_by_asset ON submissions (asset_sha256, received_at);
CREATE TABLE fingerprints (
  id TEXT PRIMARY KEY REFERENCES submissions (id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  size REAL NOT NULL,
  geometry BLOB NOT NULL
) STRICT;
CREATE INDEX fingerprints_by_size ON fingerprints (size);
CREATE INDEX fingerprints_by_time ON fingerprints (at);
`,
  // Which year's text the miner signed: while it waits for its verdict, a pull is answered as that year's miners expect.
  "ALTER TABLE submissions ADD COLUMN protocol_year TEXT NOT NULL DEFAULT '2024';",
  // Which replica of its job a submission waits for: 1 once a second worker has to decide.
  "ALTER TABLE submissions ADD COLUMN replica INTEGER NOT NULL DEFAULT 0;",
  // Who was registered when the chain was last read.
  `
CREATE TABLE known_hotkeys (
  netuid INTEGER NOT NULL,
  hotkey TEXT NOT NULL,
  PRIMARY KEY (netuid, hotkey)
) STRICT, WITHOUT ROWID;
`,
  // Clients that wait for a miner, and for each of them its tasks by age.
  `
CREATE INDEX tasks_waiting ON tasks (client, created_at, id)
  WHERE ended_at IS NULL AND class = 'organic';
`,
  // The place of an assignment among its task's submissions: of equal scores the one that was submitted first wins.
  `
ALTER TABLE assignments ADD COLUMN submitted_as INTEGER;
UPDATE assignments SET submitted_as = (SELECT count(*) FROM submissions s JOIN assignments a ON a.id = s.id
    WHERE a.task_id = assignments.task_id
      AND s.sequence <= (SELECT sequence FROM submissions WHERE id = assignments.id))
  WHERE id IN (SELECT id FROM submissions);
`,
  // How often a miner took a task and said nothing.
  "ALTER TABLE miners ADD COLUMN silences INTEGER NOT NULL DEFAULT 0;",
  // Indexes that the queries match, so that none costs more the longer the history is. Those of what is open have what
  // is open in them and nothing else; a window's count is read from its index alone.
  `
DROP INDEX tasks_open;
CREATE INDEX tasks_open ON tasks (class, created_at, id) WHERE ended_at IS NULL;
CREATE INDEX tasks_open_by_expiry ON tasks (expires_at) WHERE ended_at IS NULL;
CREATE INDEX tasks_open_accepted ON tasks (first_accepted_at) WHERE ended_at IS NULL AND first_accepted_at IS NOT NULL;
CREATE INDEX assignments_open_by_hotkey ON assignments (hotkey, created_at) WHERE ended_at IS NULL;
DROP INDEX observations_by_hotkey;
CREATE INDEX observations_by_hotkey ON observations (hotkey, at, fidelity);
`,
  // What retention looks at. `keep` says for how long the asset is kept ('short' or 'long') and is NULL once it was
  // removed. Observations outlive their assignments, since the window needs them and not their tasks.
  `
ALTER TABLE submissions ADD COLUMN ended_at INTEGER;
ALTER TABLE submissions ADD COLUMN keep TEXT DEFAULT 'short';
UPDATE submissions SET
  ended_at = (SELECT a.ended_at FROM assignments a WHERE a.id = submissions.id),
  keep = CASE WHEN verdict = 'accepted' AND (SELECT t.class FROM assignments a JOIN tasks t ON t.id = a.task_id
    WHERE a.id = submissions.id) = 'organic' THEN 'long' ELSE 'short' END
  WHERE verdict IS NOT NULL;
CREATE INDEX submissions_kept ON submissions (keep, ended_at, asset_size) WHERE keep IS NOT NULL;
CREATE INDEX submissions_kept_by_asset ON submissions (asset_sha256) WHERE keep IS NOT NULL;
CREATE INDEX tasks_ended ON tasks (class, ended_at) WHERE ended_at IS NOT NULL;
CREATE TABLE new_observations (
  assignment_id TEXT PRIMARY KEY,
  hotkey TEXT NOT NULL,
  at INTEGER NOT NULL,
  fidelity REAL NOT NULL
) STRICT;
INSERT INTO new_observations SELECT assignment_id, hotkey, at, fidelity FROM observations;
DROP TABLE observations;
ALTER TABLE new_observations RENAME TO observations;
CREATE INDEX observations_by_hotkey ON observations (hotkey, at, fidelity);
CREATE INDEX observations_by_time ON observations (at);
`,
  // What was sent to the chain as weights, for whom (the validator's hotkey), and what the chain said; without an
  // outcome while it is under way, or when the process ended meanwhile. `weights` is JSON.
  `
CREATE TABLE weight_attempts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  netuid INTEGER NOT NULL,
  validator TEXT NOT NULL,
  at INTEGER NOT NULL,
  block INTEGER NOT NULL,
  version_key INTEGER NOT NULL,
  weights TEXT NOT NULL,
  outcome TEXT,
  message TEXT NOT NULL DEFAULT '',
  included_block INTEGER,
  reveal_round TEXT
) STRICT;
CREATE INDEX weight_attempts_by_time ON weight_attempts (at);
CREATE INDEX weight_attempts_by_validator ON weight_attempts (netuid, validator, id);
`,
  // Each verdict with what followed from it for the miner.
  `
CREATE TABLE verdicts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  hotkey TEXT NOT NULL,
  at INTEGER NOT NULL,
  assignment_id TEXT,
  verdict TEXT NOT NULL,
  code TEXT NOT NULL,
  reason TEXT NOT NULL,
  score REAL NOT NULL,
  fidelity REAL NOT NULL,
  average_fidelity REAL NOT NULL,
  observations INTEGER NOT NULL,
  reward REAL NOT NULL,
  cooldown_until INTEGER NOT NULL
) STRICT;
CREATE INDEX verdicts_by_hotkey ON verdicts (hotkey, id);
CREATE INDEX verdicts_by_time ON verdicts (at);
`,
  // With which share a verdict entered the miner's average, 0 when it did not, so that averages can be computed again
  // whatever the rules were; NULL in rows from before.
  "ALTER TABLE verdicts ADD COLUMN average_share REAL;",
  // The last good list of the prompt service (a JSON array); by name the data directory's own seed ("seed"), the key of the
  // deck that is drawn from ("deck") and how far it was ("drawn").
  `
CREATE TABLE prompt_lists (
  service TEXT PRIMARY KEY,
  fetched_at INTEGER NOT NULL,
  prompts TEXT NOT NULL
) STRICT;
CREATE TABLE prompt_state (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`,
  // When a miner was last lent a task with a prompt, within its window.
  `
CREATE TABLE prompts_lent (
  hotkey TEXT NOT NULL,
  prompt TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (hotkey, prompt)
) STRICT, WITHOUT ROWID;
CREATE INDEX prompts_lent_by_time ON prompts_lent (at);
INSERT INTO prompts_lent SELECT a.hotkey, t.prompt, max(a.created_at)
  FROM assignments a JOIN tasks t ON t.id = a.task_id GROUP BY a.hotkey, t.prompt;
`,
  // Duels: accepted assets with their pictures, pairs of them, and the ratings that follow.
  `
CREATE TABLE duel_entries (
  id TEXT PRIMARY KEY REFERENCES submissions (id) ON DELETE CASCADE,
  at INTEGER NOT NULL,
  hotkey TEXT NOT NULL,
  prompt TEXT NOT NULL,
  picture BLOB NOT NULL
) STRICT;
CREATE INDEX duel_entries_by_prompt ON duel_entries (prompt, at);
CREATE INDEX duel_entries_by_time ON duel_entries (at);
CREATE TABLE duels (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  made_at INTEGER NOT NULL,
  one TEXT NOT NULL,
  other TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  ended_at INTEGER,
  outcome TEXT
) STRICT;
CREATE INDEX duels_waiting ON duels (number, made_at) WHERE ended_at IS NULL;
CREATE INDEX duels_by_end ON duels (ended_at) WHERE ended_at IS NOT NULL;
CREATE TABLE duel_ratings (
  hotkey TEXT PRIMARY KEY,
  rating REAL NOT NULL,
  deviation REAL NOT NULL,
  volatility REAL NOT NULL,
  at INTEGER NOT NULL,
  duels INTEGER NOT NULL
) STRICT;
`,
  // How many of an organic task's assignments have not ended: those that have a place are found without looking at others.
  `
ALTER TABLE tasks ADD COLUMN open_assignments INTEGER NOT NULL DEFAULT 0;
UPDATE tasks SET open_assignments =
    (SELECT count(*) FROM assignments a WHERE a.task_id = tasks.id AND a.ended_at IS NULL)
  WHERE ended_at IS NULL AND class = 'organic';
CREATE INDEX tasks_waiting_by_place ON tasks (client, open_assignments, created_at, id)
  WHERE ended_at IS NULL AND class = 'organic' AND first_accepted_at IS NULL;
`,
  // Assets that clients brought to have them scored, and those of them that wait for their result, in the order in which
  // they were whole.
  `
CREATE TABLE scorings (
  id TEXT PRIMARY KEY,
  client TEXT NOT NULL,
  request_id TEXT,
  prompt TEXT NOT NULL,
  state TEXT NOT NULL,
  camera_seed TEXT NOT NULL,
  format TEXT NOT NULL,
  format_version INTEGER NOT NULL,
  compression INTEGER NOT NULL,
  asset_sha256 TEXT NOT NULL,
  asset_size INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  ended_at INTEGER,
  failure_code TEXT,
  failure_message TEXT,
  report BLOB
) STRICT;
CREATE UNIQUE INDEX scorings_by_request ON scorings (client, request_id) WHERE request_id IS NOT NULL;
CREATE INDEX scorings_open ON scorings (client) WHERE ended_at IS NULL;
CREATE INDEX scorings_open_by_asset ON scorings (asset_sha256) WHERE ended_at IS NULL;
CREATE INDEX scorings_by_expiry ON scorings (expires_at);
CREATE TABLE scoring_jobs (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE REFERENCES scorings (id),
  dispatch INTEGER NOT NULL DEFAULT 0,
  traceparent TEXT
) STRICT;
`,
  // Tasks of everybody by their time, for the operator's list.
  "CREATE INDEX tasks_by_time ON tasks (created_at, id);",
  // Accepted assets that wait to be stored outside, and those that were: known there as `content_id`, until `expires_at`.
  `
CREATE TABLE storage_queue (
  target TEXT NOT NULL,
  id TEXT NOT NULL REFERENCES submissions (id),
  asset_sha256 TEXT NOT NULL,
  asset_size INTEGER NOT NULL,
  queued_at INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  error TEXT NOT NULL,
  PRIMARY KEY (id, target)
) STRICT, WITHOUT ROWID;
CREATE INDEX storage_queue_due ON storage_queue (target, next_at, asset_size);
CREATE INDEX storage_queue_by_asset ON storage_queue (asset_sha256, target);
CREATE TABLE stored_assets (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  asset_sha256 TEXT NOT NULL,
  target TEXT NOT NULL,
  id TEXT NOT NULL,
  content_id TEXT NOT NULL,
  stored_at INTEGER NOT NULL,
  expires_at INTEGER,
  UNIQUE (asset_sha256, target)
) STRICT;
`,
  // How many results had a score in each twentieth of 0 to 1, by the hour (since 1970 UTC), for two days; and tasks by
  // their class and time, for lists that some classes are not in.
  `
CREATE TABLE score_counts (
  hour INTEGER NOT NULL,
  part INTEGER NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (hour, part)
) STRICT, WITHOUT ROWID;
INSERT INTO score_counts SELECT at / 3600000, min(19, CAST(score * 20 AS INTEGER)), count(*)
  FROM verdicts WHERE verdict = 'accepted' OR code = 'low-score' GROUP BY 1, 2;
CREATE INDEX tasks_by_class ON tasks (class, created_at, id);
`,
  // Audits: which worker a verdict came from, what other workers say of the same asset (`opinions`, a JSON array, the
  // verdict's own first), who drifted, and who is shut out for it. An audit goes with its submission. Whether a second
  // worker decides after faults is said apart from the replica, which also counts results that were not taken.
  `
ALTER TABLE submissions ADD COLUMN worker TEXT;
CREATE INDEX submissions_by_worker ON submissions (worker, ended_at) WHERE worker IS NOT NULL;
ALTER TABLE submissions ADD COLUMN second_look INTEGER NOT NULL DEFAULT 0;
UPDATE submissions SET second_look = 1 WHERE replica > 0;
ALTER TABLE scoring_jobs ADD COLUMN replica INTEGER NOT NULL DEFAULT 0;
CREATE TABLE audits (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  submission TEXT NOT NULL REFERENCES submissions (id) ON DELETE CASCADE,
  reason TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  dispatch INTEGER NOT NULL DEFAULT 0,
  replica INTEGER NOT NULL DEFAULT 0,
  opinions TEXT NOT NULL,
  ended_at INTEGER,
  outcome TEXT,
  drifted TEXT
) STRICT;
CREATE INDEX audits_open ON audits (sequence) WHERE outcome IS NULL;
CREATE INDEX audits_by_submission ON audits (submission);
CREATE INDEX audits_by_drift ON audits (drifted, ended_at) WHERE drifted IS NOT NULL;
CREATE INDEX audits_by_end ON audits (ended_at) WHERE ended_at IS NOT NULL;
CREATE TABLE quarantined_workers (
  worker TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  reason TEXT NOT NULL,
  released_at INTEGER
) STRICT;
CREATE INDEX quarantined_workers_open ON quarantined_workers (at) WHERE released_at IS NULL;
CREATE INDEX quarantined_workers_released ON quarantined_workers (released_at) WHERE released_at IS NOT NULL;
`,
];

/** What the tables are at after all of these. */
export const currentSchema = coordinatorMigrations.length;

/** Nonces are in a database of their own: see `store/nonces.ts`. */
export const nonceMigrations: readonly string[] = [
  `
CREATE TABLE nonces (
  caller TEXT NOT NULL,
  nonce TEXT NOT NULL,
  keep_until INTEGER NOT NULL,
  PRIMARY KEY (caller, nonce)
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_by_time ON nonces (keep_until);
`,
];

/** API keys are in a database of their own, which the command `keys` writes beside a running coordinator. */
export const keyMigrations: readonly string[] = [
  `
CREATE TABLE api_keys (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  calls_per_minute INTEGER NOT NULL,
  concurrent_calls INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  request_id TEXT UNIQUE
) STRICT;
`,
];

/** A row of `api_keys`, in the order of its columns. */
export const keyRow = z.strictObject({
  id: z.string(),
  name: z.string(),
  hash: z.string(),
  scopes: z.string(),
  calls_per_minute: z.number(),
  concurrent_calls: z.number(),
  created_at: z.number(),
  expires_at: z.number().nullable(),
  request_id: z.string().nullable(),
});
