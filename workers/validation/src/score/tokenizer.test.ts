import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createTokenizer } from "./tokenizer.ts";
import { createVocabulary, tokenizerJson } from "./vocabulary.ts";

const vocabulary = createVocabulary(["red", "green", "grey", "blue"]);
const { vocab } = vocabulary;
const tokenizer = createTokenizer({ tokenizerJson: JSON.stringify(tokenizerJson(vocabulary)) }, 77);

/** The tokens of a text, without start and end. */
function tokens(text: string): readonly (string | undefined)[] {
  const ids = tokenizer.encode(text);
  const names = new Map(Array.from(vocab, ([token, id]) => [id, token]));
  assert.deepEqual(
    [names.get(ids[0] ?? -1), names.get(ids.at(-1) ?? -1)],
    ["<|startoftext|>", "<|endoftext|>"],
  );
  return ids.slice(1, -1).map((id) => names.get(id));
}

test("a known word is one token, an unknown one its letters", () => {
  assert.deepEqual(tokens("Red grey  BLUE"), ["red</w>", "grey</w>", "blue</w>"]);
  assert.deepEqual(tokens("cat"), ["c", "a", "t</w>"]);
});

test("words that are no tokens are told, each once; letters, numbers and marks are no words", () => {
  const text = "a RED wooden cube, 12 grey Wooden!? x";
  assert.deepEqual(tokenizer.wordsInPieces(text), ["wooden", "cube"]);
});

test("digits stand alone, marks stand together, endings with an apostrophe are split off", () => {
  assert.deepEqual(tokens("red12,blue!?"), [
    "red</w>",
    "1</w>",
    "2</w>",
    ",</w>",
    "blue</w>",
    "!",
    "?</w>",
  ]);
  assert.deepEqual(tokens("red's"), ["red</w>", "'", "s</w>"]);
});

test("white space is Unicode's: U+0085 is some, U+FEFF is not", () => {
  assert.deepEqual(tokens("red\u0085blue\u2028\u00a0red"), ["red</w>", "blue</w>", "red</w>"]);
  assert.equal(tokens("red\ufeffblue").length > 2, true);
});

test("a final capital sigma becomes σ, not ς", () => {
  assert.deepEqual(tokenizer.encode("ΟΣ"), tokenizer.encode("οσ"));
  assert.notDeepEqual(tokenizer.encode("ΟΣ"), tokenizer.encode("ος"));
});

test("composed and decomposed letters are the same text", () => {
  assert.deepEqual(tokenizer.encode("e\u0301"), tokenizer.encode("\u00e9"));
});

test("whatever the text: at most 77 ids, the end token once and last", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.constantFrom(
      "<|endoftext|>",
      "a <|EndOfText|> b",
      "<|startoftext|>",
      "\ud800",
      "x".repeat(1024),
    ),
  );
  fc.assert(
    fc.property(text, (prompt) => {
      const ids = tokenizer.encode(prompt);
      assert.ok(ids.length <= 77);
      assert.equal(ids.indexOf(tokenizer.endId), ids.length - 1);
      assert.equal(ids.lastIndexOf(ids[0] ?? -1), 0);
    }),
  );
});

test("a long text is cut before its end token", () => {
  const ids = tokenizer.encode("red ".repeat(100));
  assert.equal(ids.length, 77);
  assert.equal(ids.at(-1), tokenizer.endId);
  assert.equal(ids.at(-2), vocab.get("red</w>"));
});

test("merges count in both ways of writing them, and in vocab.json with merges.txt", () => {
  const pair = {
    a: 0,
    b: 1,
    "b</w>": 2,
    "ab</w>": 3,
    "<|startoftext|>": 4,
    "<|endoftext|>": 5,
  };
  const json = (merges: unknown) =>
    JSON.stringify({
      model: { type: "BPE", end_of_word_suffix: "</w>", vocab: pair, merges },
    });
  for (const files of [
    { tokenizerJson: json(["a b</w>"]) },
    { tokenizerJson: json([["a", "b</w>"]]) },
    { vocabJson: JSON.stringify(pair), mergesTxt: "#version: 0.2\r\na b</w>\r\n" },
    { vocabJson: JSON.stringify(pair), mergesTxt: "a b</w>" },
  ]) {
    assert.deepEqual(
      createTokenizer(files, 77).encode("ab b"),
      [4, 3, 2, 5],
      JSON.stringify(files),
    );
  }
});
