/** No statement of the code may cost more the longer the history is: what SQLite says of how it would run each. */
import assert from "node:assert/strict";
import { globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { openKeyStore, openStore } from "./index.ts";
import { nonceMigrations } from "./schema.ts";
import { openDatabase } from "./store.ts";

const sources = new URL("../", import.meta.url).pathname;

interface Statement {
  /** In the folder of sources. */
  readonly file: string;
  readonly sql: string;
}

/** Each statement that a source file hands to a store. They are literals there, which this insists on. */
function statementsOf(file: string): readonly Statement[] {
  const text = readFileSync(join(sources, file), "utf8");
  const calls = [...text.matchAll(/\bstore\s*\.(?:run|note|get|all)\(\s*(?:\/\/[^\n]*\n\s*)*/g)];
  return calls.map(({ index, 0: call }) => {
    const rest = text.slice(index + call.length);
    const literal = /^(?:"([^"\\]*)"|`([^`\\]*)`)/.exec(rest);
    const sql = literal?.[1] ?? literal?.[2];
    assert.ok(sql !== undefined, `${file}: this is no literal: ${call}${rest.slice(0, 60)}`);
    return { file, sql: sql.replaceAll(/\$\{[^}]*\}/g, "1") };
  });
}

const statements = globSync("**/*.ts", { cwd: sources, exclude: ["**/*.test.ts"] }).flatMap(
  statementsOf,
);
const planRow = z.object({ detail: z.string() });

/** Indexes of what is open, waits or has its asset still: limits bound it, however long the history is. */
const bounded = /^SCAN \w+ USING (COVERING )?INDEX \w+_(open|pending|kept|waiting)(_by_\w+)?$/;

/** One row a hotkey, gone through once at each start; keys that people made, read when one was added or ended. */
const seldom: readonly string[] = ["SCAN miners", "SCAN api_keys"];

/** Lines of a plan that say that a whole table, or an index of its whole history, is gone through. */
function scansOf(plan: readonly unknown[]): readonly string[] {
  const details = plan.map((row) => planRow.parse(row).detail);
  return details.filter(
    (line) =>
      /^SCAN (?!CONSTANT ROW|\(subquery)/.test(line) &&
      !bounded.test(line) &&
      !seldom.includes(line),
  );
}

test("no statement scans a table that grows", () => {
  const folder = mkdtempSync(join(tmpdir(), "turntable-plans-"));
  try {
    using main = openStore(folder);
    using nonces = openDatabase(folder, "nonces.sqlite", nonceMigrations, "OFF");
    using keys = openKeyStore(folder);
    const stores = new Map([
      [join("store", "nonces.ts"), nonces],
      [join("keys", "api-keys.ts"), keys],
      [join("store", "replica.ts"), keys],
    ]);
    const scans = statements.flatMap(({ file, sql }) => {
      if (sql.startsWith("PRAGMA")) {
        return [];
      }
      const store = stores.get(file) ?? main;
      return scansOf(store.all(`EXPLAIN QUERY PLAN ${sql}`)).map((scan) => [file, sql, scan]);
    });
    assert.deepEqual(scans, []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the statements were found, and a scan would be seen", () => {
  assert.ok(statements.length >= 45, `${statements.length} statements`);
  const folder = mkdtempSync(join(tmpdir(), "turntable-plans-"));
  try {
    using store = openStore(folder);
    const plan = (sql: string) => store.all(`EXPLAIN QUERY PLAN ${sql}`);
    assert.equal(scansOf(plan("SELECT * FROM assignments WHERE state = 'generating'")).length, 1);
    assert.equal(scansOf(plan("SELECT * FROM tasks ORDER BY created_at LIMIT 1")).length, 1);
    assert.deepEqual(scansOf(plan("SELECT count(*) FROM tasks WHERE ended_at IS NULL")), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
