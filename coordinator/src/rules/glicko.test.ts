import assert from "node:assert/strict";
import { test } from "node:test";
import { fade, type Rating, rate } from "./index.ts";

const rated = (rating: number, deviation: number, volatility = 0.06): Rating => ({
  rating,
  deviation,
  volatility,
});

test("the example of Glickman's paper comes out as he has it", () => {
  const results = [
    { opponent: rated(1400, 30), score: 1 },
    { opponent: rated(1550, 100), score: 0 },
    { opponent: rated(1700, 300), score: 0 },
  ];
  const after = rate(rated(1500, 200), results, 0.5);
  assert.ok(Math.abs(after.rating - 1464.06) < 0.02, String(after.rating)); // he rounds on the way
  assert.ok(Math.abs(after.deviation - 151.52) < 0.01, String(after.deviation));
  assert.ok(Math.abs(after.volatility - 0.05999) < 0.00001, String(after.volatility));
});

test("without a duel a rating stays, and becomes less certain with the time", () => {
  const before = rated(1500, 200);
  const after = rate(before, [], 0.5);
  assert.deepEqual([after.rating, after.volatility], [1500, 0.06]);
  assert.ok(Math.abs(after.deviation - 200.2714) < 0.0001, String(after.deviation)); // √(200² + (173.7178 × 0.06)²)
  assert.deepEqual(fade(before, 1), after);
  assert.ok(Math.abs(fade(fade(before, 0.25), 0.75).deviation - after.deviation) < 1e-9);
});

test("a draw of equals moves neither, and what one wins the other loses", () => {
  const equal = rated(1500, 100);
  assert.equal(rate(equal, [{ opponent: equal, score: 0.5 }], 0.5).rating, 1500);
  const won = rate(equal, [{ opponent: equal, score: 1 }], 0.5);
  const lost = rate(equal, [{ opponent: equal, score: 0 }], 0.5);
  assert.ok(Math.abs(won.rating - 1500 - (1500 - lost.rating)) < 1e-9);
  assert.ok(won.rating > 1520 && won.deviation < 100);
});

test("results that nobody expected make a rating more volatile, and no numbers break it", () => {
  const strong = rated(2200, 30);
  const upset = rate(strong, Array(20).fill({ opponent: rated(1000, 30), score: 0 }), 0.5);
  assert.ok(upset.volatility > 0.06 && upset.rating < 2200);
  let one = rated(1500, 350);
  for (let i = 0; i < 2_000; i++) {
    one = rate(one, [{ opponent: rated(1500, 350), score: 1 }], 1.2);
    assert.ok(Object.values(one).every(Number.isFinite), `duel ${i}`);
  }
});
