import assert from "node:assert/strict";
import { test } from "node:test";
import { createPace } from "./pace.ts";

test("the wait follows how often tasks end, and how many share the places", () => {
  const pace = createPace(600_000);
  assert.equal(pace.waitMs(0, 1), 5_000, "nothing is known yet");
  for (let at = 0; at <= 90_000; at += 10_000) {
    pace.ended(at);
  }
  assert.equal(pace.waitMs(100_000, 1), 10_000);
  assert.equal(pace.waitMs(100_000, 3), 30_000);
  assert.equal(pace.waitMs(1_090_000, 1), 109_000, "nothing has ended for long");
  assert.equal(pace.waitMs(100_000_000, 1), 600_000, "never longer than a task lasts");
  for (let at = 100_000; at < 100_100; at++) {
    pace.ended(at);
  }
  assert.equal(pace.waitMs(100_100, 1), 1_000, "never at once");
});
