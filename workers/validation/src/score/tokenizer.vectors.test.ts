import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { createTokenizer } from "./tokenizer.ts";

const vectors = process.env.TURNTABLE_VECTORS;
const skip = vectors === undefined ? "TURNTABLE_VECTORS is not set" : false;
const read = (file: string) => readFile(join(vectors ?? "", "clip", file), "utf8");

const casesSchema = z.object({
  prompts: z.array(z.object({ prompt: z.string(), ids: z.array(z.int()) })).min(1),
});

for (const form of ["tokenizer.json", "vocab.json and merges.txt"]) {
  test(`every prompt of clip/tokens.json gets its input ids, with ${form}`, { skip }, async () => {
    const { prompts } = casesSchema.parse(JSON.parse(await read("tokens.json")));
    const tokenizer = createTokenizer(
      form === "tokenizer.json"
        ? { tokenizerJson: await read("tokenizer/tokenizer.json") }
        : {
            vocabJson: await read("tokenizer/vocab.json"),
            mergesTxt: await read("tokenizer/merges.txt"),
          },
      77,
    );
    for (const { prompt, ids } of prompts) {
      assert.deepEqual(tokenizer.encode(prompt), ids, JSON.stringify(prompt));
    }
  });
}
