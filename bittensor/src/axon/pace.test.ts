import assert from "node:assert/strict";
import { test } from "node:test";
import { createPace } from "./pace.ts";

function rig() {
  let nowMs = 1_000;
  const pace = createPace(1_000, 10_000, () => nowMs);
  return { pace, after: (ms: number) => (nowMs += ms) };
}

test("a body may pause as long as the grace time, at its start and later", () => {
  const { pace, after } = rig();
  after(9_999);
  assert.ok(!pace.isTooSlow());
  pace.received(100_000_000);
  after(9_999);
  assert.ok(!pace.isTooSlow(), "and what came quickly is not saved up");
  after(1);
  assert.ok(pace.isTooSlow());
});

test("a body that trickles is too slow, one at the least pace is not", () => {
  const trickling = rig();
  for (let second = 0; second < 12; second += 1) {
    trickling.after(1_000);
    trickling.pace.received(100);
  }
  assert.ok(trickling.pace.isTooSlow());
  const steady = rig();
  for (let second = 0; second < 1_000; second += 1) {
    steady.after(1_000);
    steady.pace.received(1_000);
    assert.ok(!steady.pace.isTooSlow());
  }
});
