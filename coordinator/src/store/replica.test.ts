import assert from "node:assert/strict";
import { test } from "node:test";
import { openStoreInMemory } from "./index.ts";

test("every table has a primary key: changes of others would not be recorded", () => {
  using store = openStoreInMemory();
  const without = store.all(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
       AND NOT EXISTS (SELECT 1 FROM pragma_table_info(sqlite_schema.name) WHERE pk > 0)`,
  );
  assert.deepEqual(without, []);
});
