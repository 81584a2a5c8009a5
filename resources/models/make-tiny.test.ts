import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeTiny, tinyDir } from "./make-tiny.ts";
import { createVocabulary } from "./tiny-vocabulary.ts";

test("the committed model is what the script makes", async () => {
  const made = makeTiny();
  const entries = await readdir(tinyDir, { recursive: true, withFileTypes: true });
  assert.equal(entries.filter((entry) => entry.isFile()).length, made.size);
  for (const [name, bytes] of made) {
    const committed = await readFile(join(tinyDir, name));
    assert.ok(
      committed.equals(bytes),
      `${name} differs; run node resources/models/make-tiny.ts and commit what it writes`,
    );
  }
});

test("a vocabulary has one id for each token, from 0 on", () => {
  const { vocab, merges } = createVocabulary(["green", "red", "gray", "grey", "orange"]);
  assert.deepEqual(
    [...vocab.values()],
    Array.from({ length: vocab.size }, (_, id) => id),
  );
  for (const [left, right] of merges) assert.ok(vocab.has(left + right));
});
