import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { create } from "@bufbuild/protobuf";
import { keypairFromUri, ready, verifySignature } from "@turntable/bittensor/keys";
import { canonicalReport, RenderScoreResultSchema, ScoreReportSchema } from "@turntable/proto";
import { createMiners } from "../miners/index.ts";
import { createReports } from "../reports/index.ts";
import { ruleSets } from "../rules/index.ts";
import { createSubmissions } from "../submissions/index.ts";
import { createTasks } from "../tasks/index.ts";
import { openAssetFiles, openStore, StoreError } from "./index.ts";
import { migrate } from "./migrate.ts";

/** When the fixture's first task was made. */
const at = Date.UTC(2026, 10, 1);
const rules = ruleSets.seed;

function directory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "turntable-migrate-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

/** The coordinator's modules on a copy of the database that a schema version left, see fixtures/README.md. */
async function openVersion(version: number, path: string) {
  const fixture = new URL(`fixtures/coordinator-v${version}.sqlite.gz`, import.meta.url);
  writeFileSync(join(path, "coordinator.sqlite"), gunzipSync(readFileSync(fixture)));
  await ready();
  const store = openStore(path);
  const assets = await openAssetFiles(join(path, "assets"));
  const tasks = createTasks({ store, maxOpenTasks: 100, ...rules });
  const miners = createMiners(store, rules);
  const validator = keypairFromUri("//Validator");
  const reports = createReports(store, validator);
  const submissions = createSubmissions({ store, assets, tasks, miners, reports, rules });
  return { store, tasks, miners, reports, submissions, validator };
}

const count = (value: unknown): unknown => Object(value).count;

for (const version of [3, 4]) {
  test(`a database of schema version ${version} keeps all that is in it`, async () => {
    using folder = directory();
    const opened = await openVersion(version, folder.path);
    const { store, tasks, miners, reports, submissions, validator } = opened;
    using _store = store;
    const all = tasks.list("ann", 100) ?? [];
    assert.deepEqual(
      all.map(({ prompt, state, endedAt }) => [prompt, state, endedAt?.getTime()]),
      [
        ["a table", "scoring", undefined],
        ["a chair", "assigned", undefined],
        ["a green tree", "queued", undefined],
        ["a blue ball", "failed", at + 10 + rules.taskTimeoutMs],
        ["a red cube", "succeeded", at + 7_000],
      ],
    );
    const done = all.at(-1) ?? assert.fail();
    assert.deepEqual(
      done.assignments.map(({ hotkey, state, score, endedAt }) => [
        hotkey,
        state,
        score,
        Number(endedAt) - at,
      ]),
      [
        ["E", "system-fault", undefined, 3],
        ["A", "rejected", 0.3, 3_000],
        ["B", "invalid-asset", undefined, 3_500],
        ["C", "abandoned", undefined, 4_500],
        ["D", "accepted", 0.85, 7_000],
      ],
    );
    assert.equal(tasks.events(done.id, 0).length, 16);
    const open = store.all(
      "SELECT prompt, open_assignments AS open FROM tasks WHERE ended_at IS NULL ORDER BY prompt",
    );
    assert.deepEqual(
      open.map((row) => [Object(row).prompt, Object(row).open]),
      [
        ["a chair", 1],
        ["a green tree", 0],
        ["a table", 1],
      ],
    );
    const again = { prompt: "a red cube", client: "ann", idempotencyKey: "key-1" };
    assert.equal(tasks.create({ ...again, class: "organic" }, at).kind, "repeated");

    const best = submissions.get(done.bestAssignment ?? "") ?? assert.fail();
    assert.deepEqual(
      [best.validator, best.submitTime, best.signature.length, best.feedback?.reward],
      ["another axon", BigInt(at + 6_000) * 1_000_000n + 1n, 64, 1],
    );
    const report = reports.get(best.id) ?? assert.fail();
    assert.equal(report.score, 0.85);
    assert.ok(verifySignature(canonicalReport(report), report.signature, validator.ss58));
    assert.equal(count(store.get("SELECT count(*) AS count FROM reports")), 2);
    assert.equal(count(store.get("SELECT count(*) AS count FROM submissions")), 5);
    const order = store.all("SELECT received_at FROM submissions ORDER BY sequence");
    const times = order.map((row) => Number(Object(row).received_at));
    assert.deepEqual(times, times.toSorted());
    assert.deepEqual(
      submissions.pending(0, 10).map(({ dispatch, receivedAt }) => [dispatch, receivedAt]),
      [[1, at + 2 * rules.taskTimeoutMs + 5]],
    );
    const kept = store.all("SELECT verdict, keep, ended_at FROM submissions ORDER BY sequence");
    assert.deepEqual(
      kept.map((row) => ({ ...Object(row) })),
      [
        { verdict: "system-fault", keep: "short", ended_at: at + 3 },
        { verdict: "rejected", keep: "short", ended_at: at + 3_000 },
        { verdict: "invalid-asset", keep: "short", ended_at: at + 3_500 },
        { verdict: "accepted", keep: "long", ended_at: at + 7_000 },
        { verdict: null, keep: "short", ended_at: null },
      ],
    );
    assert.deepEqual({ ...Object(store.get("PRAGMA auto_vacuum")) }, { auto_vacuum: 2 });
    const { averageFidelity, observations, violations } = miners.get("D", at + 8_000);
    assert.deepEqual([averageFidelity, observations, violations], [1, 1, 0]);
    assert.equal(miners.get("F", at).violations, 1);
  });
}

test("what was open in a database of schema version 3 goes on", async () => {
  using folder = directory();
  const { store, tasks, submissions } = await openVersion(3, folder.path);
  using _store = store;
  const [waiting] = submissions.pending(0, 10);
  const value = create(ScoreReportSchema, { score: 0.9 });
  const result = create(RenderScoreResultSchema, {
    submissionId: waiting?.id ?? "",
    outcome: { case: "scored", value },
  });
  const now = at + 3 * rules.taskTimeoutMs + 10;
  assert.equal(submissions.applyResult(result, now).kind, "applied");
  const [table, chair] = tasks.list("ann", 2) ?? [];
  assert.deepEqual([table?.state, table?.endedAt?.getTime()], ["succeeded", now]);
  tasks.expire(now);
  assert.deepEqual(tasks.get(chair?.id ?? "")?.assignments[0]?.endedAt, new Date(now));
});

test("no list of states is left in the tables, and references are enforced again", async () => {
  using folder = directory();
  const { store } = await openVersion(3, folder.path);
  using _store = store;
  assert.deepEqual(store.all("SELECT name FROM sqlite_master WHERE sql LIKE '%CHECK%'"), []);
  assert.deepEqual(store.all("PRAGMA foreign_key_check"), []);
  assert.deepEqual({ ...Object(store.get("PRAGMA foreign_keys")) }, { foreign_keys: 1 });
  assert.throws(() => store.run("DELETE FROM tasks"), /FOREIGN KEY/);
});

const base = [
  "CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT; CREATE TABLE b (a INTEGER REFERENCES a (id)) STRICT",
];

function openBase(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  migrate(database, "test", base);
  database.exec("INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)");
  return database;
}

test("a migration that fails half-way leaves the database as it was", () => {
  using database = openBase();
  const broken = [...base, "CREATE TABLE c (id INTEGER) STRICT", "CREATE TABLE a (id INTEGER)"];
  assert.throws(
    () => migrate(database, "test", broken),
    (error) =>
      error instanceof StoreError &&
      /^test: cannot be brought from schema 1 to 3, and is as it was: .*exists/.test(error.message),
  );
  assert.deepEqual({ ...database.prepare("PRAGMA user_version").get() }, { user_version: 1 });
  assert.equal(database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'c'").get(), undefined);
  assert.equal(database.isTransaction, false);
});

test("a migration that would leave a reference to nothing is refused", () => {
  using database = openBase();
  assert.throws(
    () => migrate(database, "test", [...base, "DELETE FROM a"]),
    /row 1 of b refers to a row of a that is not there/,
  );
  assert.ok(database.prepare("SELECT 1 FROM a").get());
});
