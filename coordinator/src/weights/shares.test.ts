import assert from "node:assert/strict";
import { test } from "node:test";
import { openStoreInMemory } from "../store/index.ts";
import { createAttempts, createSharesReader } from "./index.ts";

const dayMs = 86_400_000;

test("shares are those of what the chain took, each setting read once, also one that comes late", () => {
  using store = openStoreInMemory();
  const attempts = createAttempts(store);
  let now = 10 * dayMs;
  const begin = (weights: Readonly<Record<string, number>>) =>
    attempts.begin({
      ...{ netuid: 17, validator: "V", at: now, block: 1, versionKey: 1 },
      rows: Object.entries(weights).map(([hotkey, weight], uid) => ({
        ...{ uid, hotkey, weight, reward: 0 },
      })),
    });
  const took = (id: number) =>
    attempts.end(id, { kind: "included", block: 2, revealRound: undefined });
  now = 6 * dayMs;
  took(begin({ A: 1 })); // longer ago than is looked for
  now = 10 * dayMs;
  const late = begin({ A: 1, B: 3 });
  now += 1_000;
  took(begin({ B: 5 }));
  begin({ A: 9 }); // nobody knows what became of it
  attempts.end(begin({ A: 9 }), { kind: "failed", message: "away" });

  const reader = createSharesReader(store, () => now);
  const told = () =>
    reader.list().map(({ shares }) => [shares.get("A") ?? 0, shares.get("B") ?? 0]);
  assert.deepEqual(told(), [[0, 1]]);
  took(late);
  assert.deepEqual(told(), [
    [0, 1],
    [0.25, 0.75],
  ]);
  const [first] = reader.list();
  assert.equal(reader.list()[0], first, "it was read once");
});
