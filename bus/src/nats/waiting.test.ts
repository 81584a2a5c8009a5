import assert from "node:assert/strict";
import { test } from "node:test";
import { createRelapsePauses } from "./waiting.ts";

test("what soon fails again is mended after pauses that grow, and at once when it had been well for a while", () => {
  let now = 0;
  const pauseMs = createRelapsePauses(() => now);
  assert.equal(pauseMs(), 0);
  const pauses = Array.from({ length: 12 }, pauseMs);
  assert.ok(pauses.every((ms, n) => ms >= Math.min(5_000, 50 * 2 ** n) / 2 && ms <= 5_000));
  now = 10_000;
  assert.equal(pauseMs(), 0);
  assert.ok(pauseMs() > 0);
});
