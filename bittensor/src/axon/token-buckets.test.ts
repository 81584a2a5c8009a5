import assert from "node:assert/strict";
import { test } from "node:test";
import { createTokenBuckets } from "./token-buckets.ts";

function rig(change: { readonly capacity?: number } = {}) {
  let nowMs = 0;
  const buckets = createTokenBuckets({
    perS: 2,
    burst: 5,
    capacity: 100,
    clock: () => nowMs,
    ...change,
  });
  return {
    buckets,
    after: (ms: number) => {
      nowMs += ms;
    },
  };
}

test("a key may spend its burst at once, and then as much as comes back", () => {
  const { buckets, after } = rig();
  for (let count = 0; count < 5; count += 1) {
    assert.ok(buckets.has("a"), `${count}`);
    buckets.spend("a", 1);
  }
  assert.ok(!buckets.has("a"));
  assert.ok(buckets.has("b"), "others are not touched");
  after(499);
  assert.ok(!buckets.has("a"));
  after(1);
  assert.ok(buckets.has("a"));
  buckets.spend("a", 1);
  assert.ok(!buckets.has("a"));
});

test("whoever overdraws waits longer, but not for ever", () => {
  const { buckets, after } = rig();
  buckets.spend("a", 1_000_000);
  after(2_999);
  assert.ok(!buckets.has("a"));
  after(1);
  assert.ok(buckets.has("a"), "10 tokens are owed at most, 4 of them come from the burst");
});

test("full buckets are forgotten, and beyond the capacity those that were used longest ago", () => {
  const { buckets, after } = rig({ capacity: 3 });
  for (const key of ["a", "b", "c", "d"]) {
    buckets.spend(key, 5);
  }
  assert.equal(buckets.size, 3);
  assert.ok(buckets.has("a"));
  assert.ok(!buckets.has("b"));
  after(2_500);
  buckets.spend("e", 1);
  assert.equal(buckets.size, 1, "the others are full again");
});
