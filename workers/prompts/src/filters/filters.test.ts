import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { labelledPairs } from "../../test/labelled-pairs.ts";
import {
  cleanPrompt,
  createFilters,
  createNearDuplicates,
  defaultFilterLimits,
  type Rejection,
} from "./index.ts";

test("what is written around a prompt is taken away", () => {
  for (const [line, prompt] of [
    ["1. A red chair.", "a red chair"],
    ["  12) Wooden boat", "wooden boat"],
    ["- **Blue teapot**", "blue teapot"],
    ['"A brass owl"', "a brass owl"],
    ["Create a 3D model of a stone lion!", "a stone lion"],
    ["please generate an old radio", "old radio"],
    ["Prompt: a green   vase", "a green vase"],
    ["3D render of a cactus", "a cactus"],
    ["a knight’s helmet", "a knight's helmet"],
    ["LED lamp", "LED lamp"],
    ["\u200ba\u0000 cup\t", "a cup"],
    ["***", ""],
  ] as const) {
    assert.equal(cleanPrompt(line), prompt, line);
  }
});

test("a prompt is short, plain, of one thing that can be seen", () => {
  const cases: readonly (readonly [string, Rejection | "kept"])[] = [
    ["cup", "too-short"],
    ["a very long lamp ".repeat(7), "too-long"],
    ["a chair that has nine words or even more", "too-many-words"],
    ["a chair, a lamp", "not-plain"],
    ["<script> chair", "not-plain"],
    ["a cat next to a dog", "several-objects"],
    ["a cat and a dog", "several-objects"],
    ["a black and white cat", "kept"],
    ["a fish inside a bowl", "several-objects"],
    ["a blue sky", "banned-word"],
    ["a stone Waterfall", "banned-word"],
    ["a red chair", "kept"],
    ["a RED chair!", "duplicate"],
    ["the chair, red", "not-plain"],
  ];
  const filters = createFilters();
  for (const [line, expected] of cases) {
    const filtered = filters.take(line);
    assert.equal(filtered.kind === "kept" ? "kept" : filtered.why, expected, line);
  }
  assert.equal(
    createFilters({ ...defaultFilterLimits, mostWords: 2 }).take("a red cup").kind,
    "rejected",
  );
});

describe("near-duplicates", () => {
  it("are told from others on pairs that were labelled by hand", () => {
    const counts = { right: 0, wrong: 0, missed: 0 };
    for (const { first, second, isSame } of labelledPairs) {
      const seen = createNearDuplicates(16);
      assert.ok(seen.isNew(first));
      const isFound = !seen.isNew(second);
      counts.right += isFound && isSame ? 1 : 0;
      counts.wrong += isFound && !isSame ? 1 : 0;
      counts.missed += !isFound && isSame ? 1 : 0;
    }
    const precision = counts.right / (counts.right + counts.wrong);
    const recall = counts.right / (counts.right + counts.missed);
    // The README has the figures.
    assert.equal(`${precision.toFixed(3)} ${recall.toFixed(3)}`, "1.000 0.889");
  });

  it("are found among many, and those of long ago are forgotten", () => {
    const capacity = 1_000;
    const seen = createNearDuplicates(capacity);
    const promptOf = (n: number): string => `word${n} thing${n % 7} colour${n % 13} shape${n}`;
    for (let n = 0; n < 5 * capacity; n++) {
      assert.ok(seen.isNew(promptOf(n)), promptOf(n));
    }
    assert.equal(seen.remembered, capacity);
    for (let n = 4 * capacity; n < 5 * capacity; n++) {
      assert.ok(!seen.isNew(promptOf(n).split(" ").toReversed().join(" ")), promptOf(n));
    }
    assert.ok(seen.isNew(promptOf(0)));
  });
});
