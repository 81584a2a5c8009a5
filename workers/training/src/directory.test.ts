import assert from "node:assert/strict";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { createTokenizer, createVocabulary } from "@turntable/validation/internal";
import { directoryFiles } from "./directory.ts";
import { smallDir } from "./settings.ts";
import { knownWords } from "./words.ts";

const mostBytes = 6_000_000;

test("the committed files beside the graphs are what the script makes", async () => {
  for (const [name, text] of directoryFiles()) {
    assert.equal(
      await readFile(join(smallDir, name), "utf8"),
      text,
      `${name} differs: the grammar has changed since training, see README.md of training/`,
    );
  }
});

test("the model directory is small", async () => {
  const entries = await readdir(smallDir, { recursive: true, withFileTypes: true });
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map(async (entry) => (await stat(join(entry.parentPath, entry.name))).size);
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  assert.ok(bytes <= mostBytes, `${bytes} bytes`);
});

test("every known word is one token, a word that holds one is not it", () => {
  const tokenizerJson = directoryFiles().get("tokenizer.json");
  assert.ok(tokenizerJson !== undefined);
  const tokenizer = createTokenizer({ tokenizerJson }, 77);
  for (const word of knownWords) {
    assert.equal(tokenizer.encode(word).length, 3, word);
  }
  assert.ok(tokenizer.encode("layered").length > 3);
});

test("a vocabulary has one id for each token, from 0 on", () => {
  const { vocab, merges } = createVocabulary(["green", "red", "gray", "grey", "orange"]);
  assert.deepEqual(
    [...vocab.values()],
    Array.from({ length: vocab.size }, (_, id) => id),
  );
  for (const [left, right] of merges) {
    assert.ok(vocab.has(left + right));
  }
});
