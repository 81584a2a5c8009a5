import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { recentNonces } from "@turntable/bittensor/axon";
import { openNonceStore } from "./index.ts";

test("fault 14: nonces survive a restart, the highest of each caller, until their time is over", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "turntable-nonces-"));
  t.after(() => rmSync(directory, { recursive: true }));
  let now = 0;
  {
    using store = openNonceStore(directory, () => now);
    for (let i = BigInt(recentNonces) + 8n; i > 0n; i--) {
      store.add("A:1", 10n ** 18n + i, 1000);
    }
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

test("the nonces of all callers of a hotkey are counted, no one else's, and no longer than they are kept", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "turntable-nonces-"));
  t.after(() => rmSync(directory, { recursive: true }));
  let now = 0;
  using store = openNonceStore(directory, () => now);
  for (const caller of ["A:1", "A:2", "A:None", "AB:1", "B:1"]) {
    store.add(caller, 7n, 1000);
  }
  store.add("A:1", 8n, 10);
  assert.equal(store.count("A", 100), 4);
  assert.equal(store.count("A", 3), 3, "counting stops there");
  assert.equal(store.count("C", 100), 0);
  now = 11;
  assert.equal(store.count("A", 100), 3);
});
