/** The tables of the miner's database; each entry brings one of the version before up to date. */
export const minerMigrations: readonly string[] = [
  `
  -- When each validator may be asked again, and where it was last.
  CREATE TABLE validator (
    hotkey TEXT PRIMARY KEY,
    ip TEXT NOT NULL,
    port INTEGER NOT NULL,
    ask_at INTEGER NOT NULL DEFAULT 0,           -- ms since 1970 UTC
    failures INTEGER NOT NULL DEFAULT 0,         -- pulls that failed, in a row
    failure TEXT NOT NULL DEFAULT '',            -- what the last one failed with
    is_listed INTEGER NOT NULL DEFAULT 0         -- on the chain when that was read last
  ) STRICT;

  CREATE TABLE task (
    number INTEGER PRIMARY KEY,
    validator TEXT NOT NULL,
    id TEXT NOT NULL,                            -- the validator's
    prompt TEXT NOT NULL,
    ip TEXT NOT NULL,
    port INTEGER NOT NULL,
    pulled_at INTEGER NOT NULL,                  -- ms since 1970 UTC, as all times here
    deadline INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('generating', 'generated', 'signed', 'done')),
    round INTEGER NOT NULL DEFAULT 0,            -- of generating it; each has a seed of its own
    generate_ms INTEGER,
    score REAL,                                  -- by the endpoint that scores before sending
    format TEXT,
    compression INTEGER,
    submit_time TEXT,                            -- ns since 1970 UTC; more digits than an integer of SQLite keeps
    signature TEXT,
    sends INTEGER NOT NULL DEFAULT 0,
    given_back TEXT,                             -- why there is no asset
    outcome TEXT,
    reason TEXT,
    fidelity REAL,
    average REAL,
    accepted INTEGER,                            -- within the validator's window
    reward REAL,
    cooldown_until INTEGER,
    done_at INTEGER,
    UNIQUE (validator, id)
  ) STRICT;
  CREATE INDEX task_unfinished ON task (number) WHERE state <> 'done';
  CREATE INDEX task_done_at ON task (done_at) WHERE state = 'done';

  -- What was made, by round; of a signed task its packed bytes alone.
  CREATE TABLE asset (
    task INTEGER NOT NULL REFERENCES task ON DELETE CASCADE,
    round INTEGER NOT NULL,
    endpoint TEXT NOT NULL,
    generate_ms INTEGER NOT NULL,
    score REAL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (task, round)
  ) STRICT;

  -- Every try at an endpoint: its budget and its speed.
  CREATE TABLE generation (
    endpoint TEXT NOT NULL,
    at INTEGER NOT NULL,
    ms INTEGER NOT NULL,
    failure TEXT NOT NULL                        -- empty when something was made
  ) STRICT;
  CREATE INDEX generation_by_endpoint ON generation (endpoint, at);
  `,
];
