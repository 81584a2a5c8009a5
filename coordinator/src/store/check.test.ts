import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openRules, rules } from "../../test/rules.ts";
import { backUpStore, checkStore, databaseName } from "./index.ts";

/** A coordinator's data after all that can become of a submission. */
async function openHistory() {
  const opened = await openRules({ storageTargets: [{ name: "place", maxAssetBytes: 1_000 }] });
  const { store, tasks, submissions, miners, storageQueue } = opened;
  for (const [hotkey, scores] of Object.entries({ A: [0.9, 0.7, 0.1, 0.9], B: [0.8, 0.65] })) {
    for (const score of scores) {
      const { id } = await opened.submit(opened.ask(), hotkey, 1);
      submissions.applyResult(opened.scored(id, score), 2);
    }
  }
  const invalid = await opened.submit(opened.ask(), "A", 3);
  const value = { code: "truncated", message: "the file ends early" };
  submissions.applyResult(opened.result(invalid.id, { case: "invalidAsset", value }), 3);
  const fault = await opened.submit(opened.ask(), "C", 3);
  submissions.fail(fault.id, "nobody scored it", 4);
  submissions.applyResult(opened.scored(fault.id, 0.9), 5);
  store.run(
    `INSERT INTO audits (id, submission, reason, created_at, expires_at, opinions, ended_at, outcome, drifted)
     VALUES ('audit', ?, 'sample', 5, 6, '[]', 6, 'drifted', 'w1')`,
    fault.id,
  );
  submissions.replaceScore(fault.id, opened.scored(fault.id, 0.2), 6);
  const bad = tasks.assign(opened.ask(), "B", 5);
  submissions.refuse(bad, { kind: "rejected", code: "wrong-signature" }, 6, "violation");
  miners.countViolation("D", 6);
  submissions.giveBack(tasks.assign(opened.ask(), "C", 6), 7);
  const same = Buffer.from("the same bytes");
  const first = await opened.submit(opened.ask(), "A", 8, same);
  submissions.applyResult(opened.scored(first.id, 0.9), 8);
  await opened.submit(opened.ask(), "B", 9, same);
  const [stored] = storageQueue.due("place", 9, 1);
  storageQueue.stored({
    ...{ target: "place", id: stored?.id ?? "", contentId: "c", at: 9, keepsMs: undefined },
  });
  const cancelled = opened.ask();
  await opened.submit(cancelled, "A", 10);
  tasks.assign(cancelled, "B", 10);
  submissions.cancel(cancelled, 10);
  await opened.submit(opened.ask(), "A", 10); // waits for its verdict
  opened.ask();
  const check = (deep = false) =>
    checkStore(opened.directory, { deep, windowMs: rules.windowMs, now: 11 });
  return { ...opened, firstAsset: first.assetSha256, check };
}

test("a whole data directory has no fault, while its coordinator runs", async () => {
  using opened = await openHistory();
  const report = await opened.check(true);
  assert.deepEqual(
    report.results.filter(({ wrong }) => wrong > 0),
    [],
  );
  assert.equal(report.ok, true);
  assert.deepEqual(
    report.results.map(({ name }) => name),
    [
      ...["integrity", "references", "submissions", "verdicts", "observations", "averages"],
      ...["audits", "storage", "tasks", "events", "assets"],
    ],
  );
  for (const { name, seen } of report.results) {
    assert.ok(seen > 0, `${name} looked at nothing`);
  }
});

/** A backup of that history, and copies of it that a test may damage. */
async function openBackup() {
  using opened = await openHistory();
  const folder = mkdtempSync(join(tmpdir(), "turntable-check-"));
  const whole = join(folder, "whole");
  await backUpStore(opened.directory, whole, { copyAssets: true });
  const damaged = join(folder, "damaged");
  return {
    copy() {
      rmSync(damaged, { recursive: true, force: true });
      cpSync(whole, damaged, { recursive: true });
      return damaged;
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

/** Each makes wrong what the check that is named has to find. */
const damages: Readonly<Record<string, readonly string[]>> = {
  references: ["PRAGMA foreign_keys = OFF; DELETE FROM tasks WHERE class = 'organic'"],
  submissions: [
    "UPDATE submissions SET verdict = NULL, feedback = NULL, ended_at = NULL WHERE sequence = 1",
    "UPDATE submissions SET feedback = json_set(feedback, '$.verdict', 'rejected') WHERE sequence = 1",
    "UPDATE submissions SET ended_at = NULL WHERE sequence = 1",
    "PRAGMA foreign_keys = OFF; DELETE FROM submissions WHERE verdict IS NULL",
  ],
  verdicts: [
    `INSERT INTO verdicts (hotkey, at, assignment_id, verdict, code, reason, score, fidelity, average_share,
       average_fidelity, observations, reward, cooldown_until)
     SELECT hotkey, at, assignment_id, verdict, code, reason, score, fidelity, 0, average_fidelity, observations,
       reward, cooldown_until FROM verdicts ORDER BY id LIMIT 1`,
    "UPDATE verdicts SET verdict = 'accepted' WHERE verdict = 'rejected'",
  ],
  observations: [
    "UPDATE observations SET fidelity = 0.5 WHERE fidelity = 0.75",
    "UPDATE observations SET fidelity = 1 WHERE fidelity = 0",
    "UPDATE observations SET hotkey = 'Z' WHERE hotkey = 'B'",
    "DELETE FROM observations WHERE hotkey = 'B'",
    "INSERT INTO observations VALUES ('nobody', 'A', 5, 1)",
  ],
  averages: [
    "UPDATE verdicts SET average_fidelity = average_fidelity + 1e-6 WHERE id = 2",
    "UPDATE miners SET average_fidelity = 1 WHERE hotkey = 'A'",
    "UPDATE verdicts SET average_share = 0 WHERE fidelity = 0.75",
  ],
  audits: [
    "UPDATE audits SET drifted = NULL",
    "UPDATE audits SET outcome = NULL, drifted = NULL",
    "UPDATE audits SET submission = (SELECT id FROM submissions WHERE verdict IS NULL)",
  ],
  storage: [
    "UPDATE submissions SET keep = NULL WHERE id IN (SELECT id FROM storage_queue)",
    "UPDATE storage_queue SET id = (SELECT id FROM submissions WHERE verdict = 'rejected') WHERE id = (SELECT min(id) FROM storage_queue)",
    "UPDATE stored_assets SET asset_sha256 = (SELECT asset_sha256 FROM storage_queue)",
  ],
  tasks: [
    "UPDATE tasks SET ended_at = 5 WHERE state = 'queued'",
    "UPDATE tasks SET best_assignment = NULL WHERE state = 'succeeded'",
    "UPDATE assignments SET ended_at = NULL WHERE state = 'abandoned'",
  ],
  events: [
    "DELETE FROM task_events WHERE sequence = 2",
    "UPDATE task_events SET state = 'failed' WHERE kind = 'created'",
  ],
};

test("each fault is found, and told in words", async () => {
  using base = await openBackup();
  for (const [name, statements] of Object.entries(damages)) {
    for (const sql of statements) {
      const directory = base.copy();
      {
        using database = new DatabaseSync(join(directory, databaseName));
        database.exec("PRAGMA synchronous = OFF");
        database.exec(sql);
      }
      const report = await checkStore(directory, {
        deep: false,
        windowMs: rules.windowMs,
        now: 11,
      });
      const result = report.results.find((one) => one.name === name);
      assert.ok((result?.wrong ?? 0) > 0, `${name} is not told of after: ${sql}`);
      assert.match(result?.faults[0] ?? "", /^\S.*\S$/);
      assert.equal(report.ok, false);
    }
  }
});

test("an asset without its file, cut short or with other bytes is found; files of nobody are a note", async () => {
  using opened = await openHistory();
  const file = join(opened.assetsDir, opened.firstAsset);
  writeFileSync(join(opened.assetsDir, "0".repeat(64)), "nobody's");
  const assets = async (deep: boolean) => (await opened.check(deep)).results.at(-1)?.faults;
  assert.match((await opened.check()).notes.join(), /1 files in assets\/ belong to nothing/);
  writeFileSync(file, "The same bytes");
  assert.deepEqual(await assets(false), []);
  assert.match((await assets(true))?.join() ?? "", /other bytes than it was taken with/);
  truncateSync(file, 5);
  assert.match((await assets(false))?.join() ?? "", /has 5 bytes, not 14/);
  rmSync(file);
  assert.match((await assets(false))?.join() ?? "", /has no file/);
});

test("a damaged database is told of, and nothing more is looked at", async () => {
  using base = await openBackup();
  const directory = base.copy();
  const file = join(directory, databaseName);
  const where = (() => {
    using database = new DatabaseSync(file);
    const found = database
      .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'submissions_by_asset'")
      .get();
    return (Number(found?.rootpage) - 1) * 4096;
  })();
  const bytes = readFileSync(file);
  bytes.fill(0xff, where + 4000, where + 4096); // the last entries of an index's page
  writeFileSync(file, bytes);
  const report = await checkStore(directory, { deep: false, windowMs: rules.windowMs, now: 11 });
  assert.deepEqual(
    report.results.map(({ name }) => name),
    ["integrity"],
  );
  assert.match(report.notes.join(), /restore a backup/);
});
