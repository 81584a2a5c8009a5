import assert from "node:assert/strict";
import { test } from "node:test";
import { patienceMs } from "./miner-axon.ts";

test("fault 5: whatever time a caller says, it is kept waiting for whole milliseconds, and answered before it gives up", () => {
  assert.equal(patienceMs(undefined), 285_000);
  assert.equal(patienceMs(300), 285_000);
  assert.equal(patienceMs(1e9), 285_000);
  assert.equal(patienceMs(33.3), 18_300);
  assert.equal(patienceMs(12), 6_000);
  assert.equal(patienceMs(1e-5), 0);
  assert.equal(patienceMs(0), 0);
  assert.equal(patienceMs(-5), 0);
  // What AbortSignal.timeout takes
  for (const seconds of [33.3, 0.0017, 299.9999, -0.5]) {
    const ms = patienceMs(seconds);
    assert.ok(Number.isInteger(ms) && ms >= 0, `${seconds} s`);
  }
});
