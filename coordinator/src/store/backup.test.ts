import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openRules, rules } from "../../test/rules.ts";
import { openApiKeys } from "../keys/index.ts";
import { backUpStore } from "./backup.ts";
import { checkStore, openStore, type Store, StoreError } from "./index.ts";

function openFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "turntable-backup-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

const check = (directory: string) =>
  checkStore(directory, { deep: true, windowMs: rules.windowMs, now: 10 });
const copyAssets = { copyAssets: true };

/** Makes the database larger than what is copied in one step. */
function grow(store: Store): void {
  store.run(
    "INSERT INTO weight_attempts (netuid, validator, at, block, version_key, weights) VALUES (1, 'V', 0, 0, 0, ?)",
    "x".repeat(20 << 20),
  );
}

test("a backup is the data directory at one moment, and a coordinator starts on a copy of it", async () => {
  using folder = openFolder();
  using opened = await openRules();
  const scored = await opened.submit(opened.ask(), "A", 1);
  opened.submissions.applyResult(opened.scored(scored.id, 0.9), 2);
  const waiting = await opened.submit(opened.ask(), "B", 3);
  using keys = openApiKeys(opened.directory);
  const key = keys.create({ name: "ann", scopes: ["generate"] }, 0) ?? assert.fail();
  writeFileSync(join(opened.assetsDir, "0".repeat(64)), "nobody's");
  for (const copyAssets of [false, true]) {
    const target = join(folder.path, `backup-${copyAssets}`);
    const made = await backUpStore(opened.directory, target, { copyAssets });
    assert.deepEqual([made.assets, made.linked, made.missing], [2, !copyAssets, []]);
    assert.deepEqual(readdirSync(target).toSorted(), [
      "assets",
      "backup.json",
      "coordinator.sqlite",
      "keys.sqlite",
    ]);
    assert.deepEqual(
      readdirSync(join(target, "assets")).toSorted(),
      [scored.assetSha256, waiting.assetSha256].toSorted(),
    );
    const links = statSync(join(target, "assets", scored.assetSha256)).nlink;
    assert.equal(links, copyAssets ? 1 : 2);
    const report = await check(target);
    assert.equal(report.ok, true, JSON.stringify(report.results));
    const restored = join(folder.path, `restored-${copyAssets}`);
    cpSync(target, restored, { recursive: true });
    using store = openStore(restored);
    assert.equal(store.all("SELECT id FROM submissions").length, 2);
    using restoredKeys = openApiKeys(restored);
    assert.equal(restoredKeys.find(key.secret, 0)?.name, "ann");
  }
  await assert.rejects(
    backUpStore(opened.directory, join(folder.path, "backup-true"), copyAssets),
    {
      name: "StoreError",
      message: /is there already; give a name that is free/,
    },
  );
});

test("what is committed while the copy is made is not in it, and the copy does not begin anew", async () => {
  using folder = openFolder();
  using opened = await openRules();
  grow(opened.store);
  const target = join(folder.path, "backup");
  let steps = 0;
  await backUpStore(opened.directory, target, {
    copyAssets: false,
    onProgress(part) {
      if (part === "database") {
        opened.ask(`step ${++steps}`);
      }
    },
  });
  assert.ok(steps > 0, "the copy takes more than one step");
  using store = openStore(target);
  assert.deepEqual(store.all("SELECT * FROM tasks"), []);
});

test("an asset that retention removes meanwhile is removed in the backup; one that is lost is named", async () => {
  using folder = openFolder();
  using opened = await openRules();
  const { id, assetSha256 } = await opened.submit(opened.ask(), "A", 1);
  rmSync(join(opened.assetsDir, assetSha256));
  const lost = await backUpStore(opened.directory, join(folder.path, "lost"), copyAssets);
  assert.deepEqual(lost.missing, [assetSha256]);
  const other = await opened.submit(opened.ask(), "B", 1);
  grow(opened.store);
  const target = join(folder.path, "removed");
  const removed = await backUpStore(opened.directory, target, {
    copyAssets: true,
    onProgress(part) {
      if (part !== "database") {
        return;
      }
      opened.store.run("UPDATE submissions SET keep = NULL WHERE id = ?", id);
    },
  });
  assert.deepEqual([removed.missing, removed.assets], [[], 1]);
  assert.deepEqual(readdirSync(join(target, "assets")), [other.assetSha256]);
  assert.equal((await check(target)).ok, true);
});

test("an asset that a client has brought and that waits to be scored is in the backup", async () => {
  using folder = openFolder();
  using opened = await openRules();
  using saved = await opened.assets.save(Buffer.from("brought by a client"));
  opened.store.run(
    `INSERT INTO scorings (id, client, prompt, state, camera_seed, format, format_version, compression,
       asset_sha256, asset_size, created_at, updated_at, expires_at)
     VALUES ('1', 'ann', 'a red cube', 'queued', '1', 'ply', 0, 0, ?, 19, 0, 0, 10)`,
    saved.sha256,
  );
  const target = join(folder.path, "backup");
  const made = await backUpStore(opened.directory, target, { copyAssets: false });
  assert.deepEqual([made.assets, readdirSync(join(target, "assets"))], [1, [saved.sha256]]);
});

test("an interrupted backup is no backup, and the next one of that name replaces it", async () => {
  using folder = openFolder();
  using opened = await openRules();
  const target = join(folder.path, "backup");
  const interrupted = backUpStore(opened.directory, target, {
    copyAssets: false,
    onProgress() {
      throw new Error("interrupted");
    },
  });
  await assert.rejects(interrupted, /interrupted/);
  assert.deepEqual(readdirSync(folder.path), [], "nothing is left");
  mkdirSync(`${target}.partial/assets`, { recursive: true });
  writeFileSync(`${target}.partial/backup.json`, "{}"); // as after kill -9
  await backUpStore(opened.directory, target, { copyAssets: false });
  assert.deepEqual(readdirSync(folder.path), ["backup"]);
  mkdirSync(join(folder.path, "next.partial"));
  writeFileSync(join(folder.path, "next.partial/mine.txt"), "");
  await assert.rejects(
    backUpStore(opened.directory, join(folder.path, "next"), copyAssets),
    /is in the way, and no interrupted backup/,
  );
  assert.ok(existsSync(join(folder.path, "next.partial/mine.txt")));
});

test("what cannot be backed up, or put there, is said", async () => {
  using folder = openFolder();
  using opened = await openRules();
  await assert.rejects(backUpStore(folder.path, join(folder.path, "b"), copyAssets), StoreError);
  await assert.rejects(
    backUpStore(opened.directory, join(folder.path, "no", "b"), copyAssets),
    /there is no such folder to put b in/,
  );
});
