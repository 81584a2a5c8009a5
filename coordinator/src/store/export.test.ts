import assert from "node:assert/strict";
import { test } from "node:test";
import { openRules } from "../../test/rules.ts";
import { exportedTables, exportStore } from "./index.ts";

/** Tables that are nobody's outside, with why. */
const withheld: readonly string[] = [
  "sqlite_sequence", // SQLite's own
  "prompt_lists", // what miners will be asked for
  "prompt_state", // in which order
  "duel_entries", // pictures of some hours, which can be drawn anew from the assets
  "scoring_jobs", // what of the scorings waits
];

test("each table is exported, or withheld for a reason", async () => {
  using opened = await openRules();
  const tables = opened.store
    .all("SELECT name FROM sqlite_schema WHERE type = 'table'")
    .map((row) => Object(row).name);
  assert.deepEqual(tables.toSorted(), [...exportedTables, ...withheld].toSorted());
});

test("rows are lines of JSON, bytes in base64; the camera seed of an open task is not among them", async () => {
  using opened = await openRules();
  const { id } = await opened.submit(opened.ask("one\nprompt"), "A", 1);
  const [secret] = opened.store
    .all("SELECT camera_seed FROM tasks")
    .map((row) => Object(row).camera_seed);
  const lines = (...tables: string[]) =>
    [...exportStore(opened.directory, tables)].join("").trimEnd().split("\n");
  const open = lines(...exportedTables);
  assert.doesNotMatch(open.join(), new RegExp(secret));
  const parsed = open.map((line) => JSON.parse(line));
  assert.deepEqual(
    [...new Set(parsed.map(({ table }) => table))],
    ["tasks", "assignments", "task_events", "submissions", "prompts_lent"],
  );
  assert.equal(parsed[0].row.prompt, "one\nprompt");
  const submission = parsed.find(({ table }) => table === "submissions").row;
  assert.equal(Buffer.from(submission.signature, "base64").length, 64);
  opened.submissions.applyResult(opened.scored(id, 0.9), 2);
  assert.match(lines("tasks").join(), new RegExp(secret));
});

test("an export of any size is read piece by piece, of one moment", async () => {
  using opened = await openRules({ maxOpenTasks: 10_000 });
  opened.store.run(
    `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000)
     INSERT INTO tasks (id, class, prompt, state, camera_seed, created_at, updated_at, expires_at, client)
     SELECT n, 'organic', 'a red cube', 'queued', '1', 0, 0, 0, 'ann' FROM numbers`,
  );
  const pieces = exportStore(opened.directory, ["tasks"]);
  const first = pieces.next().value ?? "";
  assert.ok(first.length < 100_000, `${first.length} characters at once`);
  opened.ask("later");
  const rest = [...pieces].join("");
  assert.equal((first + rest).trimEnd().split("\n").length, 2_000);
});
