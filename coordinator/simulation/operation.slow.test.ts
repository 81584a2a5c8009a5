import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ruleSets } from "../src/rules/index.ts";
import { missed, mostWait, operate } from "./operation.ts";

for (const seed of [1, 4, 6]) {
  test(`weights are set in each epoch in which they can be, whatever happens to chain, clock and process (${seed})`, async (t) => {
    const dataDir = mkdtempSync(join(tmpdir(), "turntable-operation-"));
    t.after(() => rmSync(dataDir, { recursive: true }));
    const result = await operate({ rules: ruleSets.seed, hours: 6, seed, dataDir });
    assert.equal(result.epochs.length, 5);
    assert.ok(result.settings >= 10, `${result.settings} settings`);
    assert.deepEqual(missed(result), []);
    assert.ok(result.longestWait <= mostWait, `${result.longestWait} blocks`);
    assert.ok(Object.values(result.troubles).every((count) => count > 0));
  });
}
