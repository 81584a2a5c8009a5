import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { recentNonces } from "@turntable/bittensor/axon";
import { openNonceStore } from "./index.ts";

test("nonces survive a restart, the highest of each caller, until their time is over", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "turntable-nonces-"));
  t.after(() => rmSync(directory, { recursive: true }));
  let now = 0;
  {
    using store = openNonceStore(directory, () => now);
    for (let i = BigInt(recentNonces) + 8n; i > 0n; i--) store.add("A:1", 10n ** 18n + i, 1000);
    store.add("B:1", 7n, 10);
  }
  using store = openNonceStore(directory, () => now);
  const recent = store.recent("A:1");
  assert.equal(recent.length, recentNonces);
  assert.equal(recent[0], 10n ** 18n + 9n);
  assert.equal(recent.at(-1), 10n ** 18n + BigInt(recentNonces) + 8n);
  now = 11;
  assert.deepEqual(store.recent("B:1"), []);
  assert.deepEqual(store.recent("C:1"), []);
});
