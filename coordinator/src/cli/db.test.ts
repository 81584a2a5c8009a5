import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openRules, rules } from "../../test/rules.ts";
import { readArguments, UsageError } from "./command.ts";
import { dbCommand } from "./db.ts";

/** Runs `db` with these arguments on a data directory; gives its exit status and what it printed. */
async function db(dataDir: string, ...args: string[]) {
  let printed = "";
  let noted = "";
  const status = await dbCommand.run({
    ...readArguments(dbCommand, [...args, "--data-dir", dataDir], {}),
    rules,
    hotkey: () => assert.fail("no key is needed"),
    openChain: () => assert.fail("no chain is needed"),
    async print(text) {
      printed += text;
    },
    note(text) {
      noted += text;
    },
    now: () => 10,
  });
  return { status, printed, noted };
}

test("db check tells in a table and in JSON, and its exit status says whether all is well", async () => {
  using opened = await openRules();
  const { assetSha256 } = await opened.submit(opened.ask(), "A", 1);
  const well = await db(opened.directory, "check");
  assert.equal(well.status, 0);
  assert.match(
    well.printed,
    /^check +seen +wrong +what has to hold\nintegrity +\d+ +0 +SQLite finds/,
  );
  assert.match(well.printed, /note: the assets' bytes were not read; --deep does\nall is well/);
  rmSync(join(opened.assetsDir, assetSha256));
  const ill = await db(opened.directory, "check", "--deep");
  assert.equal(ill.status, 1);
  assert.match(ill.printed, new RegExp(`\nassets: the asset ${assetSha256} has no file\n1 faults`));
  const { printed } = await db(opened.directory, "check", "--json");
  assert.equal(JSON.parse(printed).ok, false);
});

test("db backup says what it made and how to restore it; what the data lacks is its exit status", async () => {
  using opened = await openRules();
  const { assetSha256 } = await opened.submit(opened.ask(), "A", 1);
  const well = await db(opened.directory, "backup", join(opened.directory, "copy"));
  assert.equal(well.status, 0);
  assert.match(
    well.printed,
    /copy: \d\.\d MiB of database and 1 assets \(linked.*To restore: stop/,
  );
  rmSync(join(opened.assetsDir, assetSha256));
  const ill = await db(opened.directory, "backup", join(opened.directory, "copy2"), "--copy");
  assert.equal(ill.status, 1);
  assert.match(ill.noted, new RegExp(`lacks the asset ${assetSha256}`));
});

test("db export prints the tables that are named, or all", async () => {
  using opened = await openRules();
  opened.ask("a red cube");
  const tables = (printed: string) =>
    new Set(
      printed
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).table),
    );
  assert.deepEqual(
    tables((await db(opened.directory, "export")).printed),
    new Set(["tasks", "task_events"]),
  );
  const { printed } = await db(opened.directory, "export", "tasks", "miners");
  assert.deepEqual(tables(printed), new Set(["tasks"]));
});

test("what db cannot make sense of is said", async () => {
  const refused = (args: string[], message: RegExp) =>
    assert.rejects(db("nowhere", ...args), (error) => {
      assert.ok(error instanceof UsageError, String(error));
      assert.match(error.message, message);
      return true;
    });
  await refused([], /db alone says nothing; give check, backup or export/);
  await refused(["repair"], /db repair says nothing/);
  await refused(["backup"], /takes one FOLDER, which must not be there yet/);
  await refused(["backup", "a", "b"], /takes one FOLDER/);
  await refused(["backup", "a", "--deep"], /--deep means nothing to db backup/);
  await refused(["export", "nonces"], /does not know nonces; it has tasks, assignments,/);
  await refused(["check", "all"], /does not know all; it takes no more words/);
  await assert.rejects(
    db("nowhere", "check"),
    /nowhere\/coordinator\.sqlite: there is no such file/,
  );
});
