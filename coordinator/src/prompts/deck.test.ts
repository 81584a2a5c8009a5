import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createDeck } from "./deck.ts";
import { cleanPrompts, parsePrompts } from "./list.ts";

const prompts = Array.from({ length: 1_000 }, (_, n) => `prompt ${n}`);
const round = (seed: string, number = 0, list: readonly string[] = prompts): readonly string[] => {
  const deck = createDeck(list, seed);
  return Array.from({ length: list.length }, (_, draw) => deck.at(number * list.length + draw));
};

test("each round has every prompt once, in an order that follows from seed, list and round", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1 }),
      fc.string(),
      (list, seed) => {
        assert.deepEqual(round(seed, 2, list).toSorted(), list.toSorted());
      },
    ),
    { numRuns: 50 },
  );
  assert.deepEqual(round("seed"), round("seed"), "it can be repeated");
  const others = [
    prompts,
    round("other"),
    round("seed", 1),
    round("seed", 0, prompts.toReversed()),
  ];
  for (const other of others) {
    assert.notDeepEqual(other, round("seed"));
  }
  assert.deepEqual(
    ["red", "green", "blue", "white", "black"].map((_, n, list) => createDeck(list, "1").at(n)),
    ["green", "red", "black", "white", "blue"],
    "the same on any machine",
  );
});

test("every place of the deck is as likely for a prompt as any other", () => {
  const list = ["a", "b", "c", "d"];
  const counts = list.map(() => new Map<string, number>());
  const rounds = 4_000;
  for (let seed = 0; seed < rounds; seed++) {
    for (const [place, prompt] of round(`${seed}`, 0, list).entries()) {
      counts[place]?.set(prompt, (counts[place]?.get(prompt) ?? 0) + 1);
    }
  }
  for (const count of counts.flatMap((places) => [...places.values()])) {
    assert.ok(Math.abs(count - rounds / 4) < 150, `${count} of ${rounds / 4}`); // five deviations
  }
});

test("a list has no blanks, doubles, or what is no prompt", () => {
  assert.deepEqual(parsePrompts(" a red cube\r\n\n\tb\na red cube\n"), ["a red cube", "b"]);
  const values = [
    "ok",
    7,
    null,
    {},
    "",
    "  ",
    "two\nlines",
    "es\u001b[31mc",
    "abcdef",
    "😀😀😀😀😀",
    "ok",
  ];
  assert.deepEqual(cleanPrompts(values, 5), ["ok", "😀😀😀😀😀"]);
});
