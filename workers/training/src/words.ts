/** Every word that the model knows: those of the engine's grammar, its other words for them, and the negatives. */

import {
  colours,
  materials,
  objects,
  primitives,
  relations,
  sizes,
} from "@turntable/generation/grammar";
import { counts, fillers, pluralOf, stackWords, synonyms } from "@turntable/generation/internal";
import { negatives } from "@turntable/validation";

const nouns = [...primitives, ...objects];
/** `fancy`, say, of `two fancy cups`: any synonym may stand in the plural. */
const plurals = [...nouns.map(pluralOf), ...Object.keys(synonyms).map((phrase) => `${phrase}s`)];

/** Single words, each once. */
export const knownWords: readonly string[] = [
  ...new Set(
    [
      ...negatives,
      ...fillers,
      ...stackWords,
      ...counts,
      ...colours,
      ...materials,
      ...sizes,
      ...relations,
      ...nouns,
      ...Object.keys(synonyms),
      ...plurals,
    ].flatMap((phrase) => phrase.split(" ")),
  ),
];
