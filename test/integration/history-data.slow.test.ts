/** `bench:history` writes its history with SQL of its own, which has to fit the tables as they are. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "@turntable/coordinator/internal";
import { writeHistory } from "../bench/history-data.ts";

test("the history of the benchmark fits the coordinator's tables", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "turntable-history-"));
  t.after(() => rmSync(directory, { recursive: true }));
  openStore(directory)[Symbol.dispose](); // makes the tables
  writeHistory(directory, 20, ["5A", "5B"]);
  using store = openStore(directory);
  for (const name of [
    "tasks",
    "assignments",
    "submissions",
    "reports",
    "observations",
    "verdicts",
  ]) {
    assert.deepEqual(
      { ...Object(store.get(`SELECT count(*) AS rows FROM ${name}`)) },
      { rows: 20 },
    );
  }
  assert.deepEqual(store.all("PRAGMA foreign_key_check"), []);
});
