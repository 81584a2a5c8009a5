/** Every word that the model knows: those of the engine's grammar, its other words for them, and the negatives. */
import { negatives } from "@turntable/validation";
import {
  colours,
  counts,
  fillers,
  materials,
  objects,
  pluralOf,
  primitives,
  relations,
  sizes,
  stackWords,
  synonyms,
} from "../../generation/src/grammar/vocabulary.ts";

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
