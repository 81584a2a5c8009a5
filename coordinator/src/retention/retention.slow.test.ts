/** A month of tasks on a driven clock. */
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { bytesOf, dayMs, hourMs, openRetention as open } from "../../test/retention.ts";

test("thirty days stay within their bounds, and no step removes more than a few hundred things", async () => {
  const limits = { assetBytes: 7_000, resultMs: 10 * dayMs, organicTaskMs: 12 * dayMs };
  using opened = await open({ ...limits, syntheticTaskMs: 2 * dayMs });
  const { subnet, retention } = opened;
  const { store } = subnet;
  const rows = (table: string): number =>
    Number(Object(store.get(`SELECT count(*) AS count FROM ${table}`)).count);
  const file = (): number => statSync(join(subnet.directory, "coordinator.sqlite")).size;
  let largest = 0;
  let fileAtTenDays = 0;
  const filler = "x".repeat(900);
  store.get("PRAGMA synchronous = OFF"); // power cuts are others' subject
  // Four hours bring 3 tasks: 18 a day, of which 6 are clients'.
  for (let hour = 0; hour < 30 * 24; hour += 4) {
    const now = hour * hourMs;
    for (let n = 0; n < 3; n++) {
      const kind = n === 0 ? "organic" : "synthetic";
      await opened.score(n === 2 ? 0.1 : 0.9, now + n, kind, bytesOf(`${hour} ${n}`, 100));
    }
    store.run("UPDATE tasks SET prompt = ? WHERE created_at = ?", filler, now);
    const { assets, tasks } = await retention.step(now + 10);
    assert.ok(assets <= 400 && tasks <= 100);
    largest = Math.max(largest, retention.assetBytes());
    if (hour === 13 * 24) {
      store.get("PRAGMA wal_checkpoint(TRUNCATE)");
      fileAtTenDays = file();
    }
  }
  const end = 30 * 24 * hourMs;
  assert.ok(largest <= limits.assetBytes + 300, `${largest} bytes of assets`);
  assert.equal(opened.files().length * 100, retention.assetBytes());
  const synthetic = (2 * 6 + 1) * 2;
  const organic = 12 * 6 + 1;
  assert.ok(rows("tasks") <= synthetic + organic, `${rows("tasks")} tasks`);
  for (const table of ["assignments", "submissions", "reports"]) {
    assert.equal(rows(table), rows("tasks"), table);
  }
  assert.ok(rows("task_events") <= 6 * rows("tasks"));
  assert.ok(rows("observations") <= 3 * (8 / 4 + 6 + 1), `${rows("observations")} observations`);
  assert.ok(subnet.miners.get("A", end).observations >= 2, "the window is whole");
  store.get("PRAGMA wal_checkpoint(TRUNCATE)");
  assert.ok(file() <= 1.2 * fileAtTenDays, `${file()} bytes, ${fileAtTenDays} at ten days`);
});
