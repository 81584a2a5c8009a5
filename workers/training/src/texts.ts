/**
 * What the model learns to say about the pictures: for each scene texts that fit it and texts that do not, as token
 * ids. None of them is a held-out prompt.
 *
 * `node workers/training/src/texts.ts` reads the `scenes-*.jsonl` of pictures.ts and writes a `texts-*.jsonl` for
 * each, and `vocabulary.json`.
 */
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createRandom, seedOf } from "@turntable/generation/grammar";
import { negatives } from "@turntable/validation";
import { createTokenizer, createVocabulary, tokenizerJson } from "@turntable/validation/internal";
import { sceneTexts } from "./scene-texts.ts";
import { cacheDir, seed, type TrainingScene } from "./settings.ts";
import { knownWords } from "./words.ts";

/** Longer texts are cut, as a model of so many positions would. */
const maxTokens = 40;

const vocabulary = createVocabulary(knownWords);
const tokenizer = createTokenizer(
  { tokenizerJson: JSON.stringify(tokenizerJson(vocabulary)) },
  maxTokens,
);

writeFileSync(
  join(cacheDir, "vocabulary.json"),
  JSON.stringify({
    size: vocabulary.vocab.size,
    endId: vocabulary.endId,
    negatives: negatives.map((text) => tokenizer.encode(text)),
  }),
);
for (const file of readdirSync(cacheDir).filter((name) => /^scenes-\d+\.jsonl$/.test(name))) {
  const first = Number(/\d+/.exec(file)?.[0]);
  const lines = readFileSync(join(cacheDir, file), "utf8").split("\n").slice(0, -1);
  const texts = lines.map((line, index) => {
    const { quality, shown }: TrainingScene = JSON.parse(line);
    const random = createRandom(seedOf(`texts ${seed} ${first + index}`));
    const { right, wrong, shows } = sceneTexts(shown, random);
    return JSON.stringify({
      quality,
      right: right.map(({ text, says }) => ({ ids: tokenizer.encode(text), says })),
      wrong: wrong.map((text) => tokenizer.encode(text)),
      shows,
    });
  });
  // Whole or not at all: training may be reading.
  const path = join(cacheDir, file.replace("scenes", "texts"));
  writeFileSync(`${path}.new`, `${texts.join("\n")}\n`);
  renameSync(`${path}.new`, path);
}
