import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openStore, openStoreReader, StoreError } from "./index.ts";

const addMiner = `INSERT INTO miners (hotkey, cooldown_until, cooldown_violations, violations, average_fidelity)
  VALUES ('A', 0, 0, 0, 1)`;

function directory(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "turntable-store-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test("a transaction that fails leaves nothing, and notifies nobody", () => {
  using folder = directory();
  using store = openStore(folder.path);
  let notified = 0;
  assert.throws(() =>
    store.transaction(() => {
      store.run(addMiner);
      store.afterCommit(() => notified++);
      throw new Error("stop");
    }),
  );
  assert.equal(store.get("SELECT * FROM miners"), undefined);
  assert.equal(notified, 0);
  store.transaction(() => {
    store.transaction(() => store.afterCommit(() => notified++));
    assert.equal(notified, 0, "the outer transaction is still open");
  });
  assert.equal(notified, 1);
});

test("a transaction that cannot begin leaves those after it whole", () => {
  using folder = directory();
  using store = openStore(folder.path);
  store.run("BEGIN");
  assert.throws(() => store.transaction(() => undefined), /within a transaction/);
  store.run("ROLLBACK");
  let notified = 0;
  store.afterCommit(() => notified++);
  assert.equal(notified, 1, "no transaction is running");
  assert.throws(() =>
    store.transaction(() => {
      store.run(addMiner);
      throw new Error("stop");
    }),
  );
  assert.equal(store.get("SELECT * FROM miners"), undefined);
});

test("a committed transaction is synced; what is noted is not, and leaves the setting as it was", () => {
  using folder = directory();
  using store = openStore(folder.path);
  const full = { synchronous: 2 }; // FULL, by SQLite's numbers; NORMAL is 1, OFF is 0
  const pragma = () => ({ ...Object(store.get("PRAGMA synchronous")) });
  assert.deepEqual(pragma(), full);
  store.note(addMiner);
  assert.deepEqual(pragma(), full);
  assert.throws(() => store.note(addMiner), /UNIQUE/);
  assert.deepEqual(pragma(), full, "also after a note that failed");
  assert.deepEqual({ ...Object(store.get("PRAGMA journal_mode")) }, { journal_mode: "wal" });
});

test("a reference that leads nowhere is refused", () => {
  using folder = directory();
  using store = openStore(folder.path);
  const insert = "INSERT INTO reports (id, report) VALUES ('none', x'00')";
  assert.throws(() => store.run(insert), /FOREIGN KEY/);
});

test("a database of a newer version is refused", () => {
  using folder = directory();
  openStore(folder.path)[Symbol.dispose]();
  const database = new DatabaseSync(join(folder.path, "coordinator.sqlite"));
  database.exec("PRAGMA user_version = 99");
  database.close();
  assert.throws(() => openStore(folder.path), StoreError);
});

test("a reader sees what a running coordinator has committed, and cannot write", () => {
  using folder = directory();
  assert.throws(() => openStoreReader(folder.path), /coordinator\.sqlite: there is no such file/);
  using store = openStore(folder.path);
  using reader = openStoreReader(folder.path);
  assert.equal(reader.get("SELECT hotkey FROM miners"), undefined);
  store.run(
    "INSERT INTO miners (hotkey, cooldown_until, cooldown_violations, violations, average_fidelity) VALUES ('A', 0, 0, 0, 1)",
  );
  assert.deepEqual({ ...Object(reader.get("SELECT hotkey FROM miners")) }, { hotkey: "A" });
  assert.throws(() => reader.get("DELETE FROM miners RETURNING hotkey"), /readonly/);
  assert.throws(() => openStore(folder.path), /another coordinator/);
});

test("a reader looks at what a stopped coordinator left, of its own version alone", () => {
  using folder = directory();
  openStore(folder.path)[Symbol.dispose]();
  openStoreReader(folder.path)[Symbol.dispose]();
  const database = new DatabaseSync(join(folder.path, "coordinator.sqlite"));
  database.exec("PRAGMA user_version = 1");
  database.close();
  assert.throws(() => openStoreReader(folder.path), /has schema 1, this version reads/);
});
