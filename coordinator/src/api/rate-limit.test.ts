import assert from "node:assert/strict";
import { test } from "node:test";
import { createRateLimit, walletRates } from "./rate-limit.ts";

test("ten requests in any two minutes, and then the time until one more may come", () => {
  const limit = createRateLimit(walletRates.requests);
  for (let i = 0; i < 10; i++) {
    assert.equal(limit.take("ann", i * 1_000), 0);
  }
  assert.equal(limit.take("ann", 10_000), 110_000);
  assert.equal(limit.take("ann", 119_999), 1, "what was refused is not counted");
  assert.equal(limit.take("bob", 119_999), 0);
  assert.equal(limit.take("ann", 120_000), 0);
  assert.equal(limit.take("ann", 120_000), 1_000);
});

test("the callers that were quiet longest are forgotten", () => {
  const limit = createRateLimit({ ...walletRates.statusPolls, callers: 2 });
  for (const [index, caller] of ["a", "b", "c"].entries()) {
    limit.take(caller, index);
  }
  assert.equal(limit.take("c", 3), 29_999);
  assert.equal(limit.take("b", 3), 29_998);
  assert.equal(limit.take("a", 3), 0, "forgotten");
});
