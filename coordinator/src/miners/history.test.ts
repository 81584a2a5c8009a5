import assert from "node:assert/strict";
import { test } from "node:test";
import { openStoreInMemory } from "../store/index.ts";
import { addToHistory, historyOf, pointsOf, verdictCountsOf } from "./history.ts";
import { scoreParts, scoresOf } from "./score-counts.ts";

const hourMs = 3_600_000;
const now = 480_000 * hourMs;

function open() {
  const store = openStoreInMemory();
  return {
    store,
    add: (verdict: string, code: string, score: number, at = now, hotkey = "A") =>
      addToHistory(store, {
        ...{ hotkey, at, assignmentId: undefined, verdict, code, reason: "", score, fidelity: 0 },
        ...{ averageShare: 0, averageFidelity: 1, observations: 1, reward: score },
        cooldownUntil: 0,
      }),
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

test("scores are counted by their part, of whole days alone; what was not scored is not there", () => {
  using opened = open();
  const { add, store } = opened;
  add("accepted", "accepted", 1);
  add("accepted", "accepted", 0.95, now - 24 * hourMs);
  add("rejected", "low-score", 0.049, now - 25 * hourMs);
  add("rejected", "low-score", 0.5, now - 48 * hourMs);
  add("rejected", "low-score", 0.5, now - 49 * hourMs);
  add("rejected", "given-back", 0);
  add("duplicate", "duplicate", 0);
  const { lastDay, dayBefore } = scoresOf(store, now);
  assert.equal(lastDay.length, scoreParts);
  const counted = (counts: readonly number[]) =>
    counts.flatMap((count, part) => (count === 0 ? [] : [[part, count]]));
  assert.deepEqual(counted(lastDay), [[19, 2]]);
  assert.deepEqual(counted(dayBefore), [
    [0, 1],
    [10, 1],
  ]);
  add("accepted", "accepted", 0.7, now + 48 * hourMs);
  assert.deepEqual(
    counted(scoresOf(store, now).lastDay),
    [
      [19, 1],
      [14, 1],
    ].toReversed(),
  );
});

test("of many verdicts some points are told, evenly, and the latest is one of them", () => {
  using opened = open();
  for (let i = 1; i <= 100; i++) {
    opened.add("accepted", "accepted", i / 100, now + i);
  }
  const rewards = pointsOf(opened.store, "A", 10).map(({ reward }) => reward);
  assert.deepEqual(rewards, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]);
  assert.ok(pointsOf(opened.store, "A", 30).length <= 30);
  assert.equal(pointsOf(opened.store, "A", 200).length, 100);
  assert.deepEqual(pointsOf(opened.store, "B", 10), []);
});

test("verdicts are counted and filtered; a word is found whole", () => {
  using opened = open();
  opened.add("accepted", "accepted", 0.9);
  opened.add("rejected", "low-score", 0.1);
  opened.add("rejected", "low-score", 0.2);
  opened.add("invalid-asset", "truncated", 0);
  assert.deepEqual(
    verdictCountsOf(opened.store, "A").map(({ verdict, code, count }) => [verdict, code, count]),
    [
      ["rejected", "low-score", 2],
      ["accepted", "accepted", 1],
      ["invalid-asset", "truncated", 1],
    ],
  );
  const scores = (verdicts: readonly string[], codes: readonly string[]) =>
    historyOf(opened.store, "A", 9, undefined, { verdicts, codes }).map(({ score }) => score);
  assert.deepEqual(scores(["rejected", "accepted"], []), [0.2, 0.1, 0.9]);
  assert.deepEqual(scores([], ["low", "score", "trunc"]), []);
});
