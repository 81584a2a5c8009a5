/**
 * Reads a prompt: clauses around one relation, in each the first noun, colours, material and size. Every word that
 * changes nothing in the scene is reported.
 */
import { isPattern, type Scene, type Thing } from "./scene.ts";
import {
  type Colour,
  type Count,
  colours,
  counts,
  fillers,
  type Material,
  materials,
  type Noun,
  objects,
  pluralOf,
  primitives,
  type Relation,
  relations,
  type Size,
  sizes,
  stackWords,
  synonyms,
} from "./vocabulary.ts";

export interface ParsedPrompt {
  readonly scene: Scene;
  /** Words of the prompt that had no effect, in order. */
  readonly unknownWords: readonly string[];
}

type Meaning =
  | { readonly kind: "colour"; readonly value: Colour }
  | { readonly kind: "material"; readonly value: Material }
  | { readonly kind: "colouredMaterial"; readonly colour: Colour; readonly material: Material }
  | { readonly kind: "size"; readonly value: Size }
  | { readonly kind: "noun"; readonly value: Noun; readonly plural: boolean }
  | { readonly kind: "relation"; readonly value: Relation }
  | { readonly kind: "count"; readonly value: Count }
  | { readonly kind: "stack" }
  | { readonly kind: "filler" };

interface Token {
  readonly words: string;
  readonly meaning: Meaning | undefined;
}

/** What stands for a thing that the prompt does not name. */
const defaultNoun: Noun = "sphere";
/** The longest phrase of the vocabulary, "hot air balloon" and the like, in words. */
const longestPhrase = 3;

export function parsePrompt(prompt: string): ParsedPrompt {
  const tokens = tokensOf(prompt);
  const unknownWords: string[] = [];
  const clauses: Token[][] = [[]];
  let relation: Relation | undefined;
  let count: Count | undefined;
  let isStack = false;
  for (const token of tokens) {
    const { meaning } = token;
    const clause = clauses[clauses.length - 1] ?? [];
    if (meaning === undefined) {
      unknownWords.push(token.words);
    } else if (meaning.kind === "relation") {
      // Before the first noun there is nothing to relate: "in red" and the like.
      const named = clause.some((earlier) => earlier.meaning?.kind === "noun");
      if (relation === undefined && named) {
        relation = meaning.value;
        clauses.push([]);
      } else {
        unknownWords.push(token.words);
      }
    } else if (meaning.kind === "count" && count === undefined) {
      count = meaning.value;
    } else if (meaning.kind === "stack") {
      isStack = true;
    } else if (meaning.kind !== "filler") {
      clause.push(token);
    }
  }
  const [first = [], second = []] = clauses;
  if (relation !== undefined && second.some(({ meaning }) => meaning?.kind === "noun")) {
    if (isStack || count !== undefined) {
      unknownWords.push(isStack ? "stack" : (counts[(count ?? 2) - 2] ?? ""));
    }
    const scene: Scene = {
      kind: "relation",
      relation,
      first: thingOf(first, unknownWords),
      second: thingOf(second, unknownWords),
    };
    return { scene, unknownWords };
  }
  if (relation !== undefined) {
    unknownWords.push(relation);
  }
  const thing = thingOf([...first, ...second], unknownWords);
  if (isStack || count !== undefined) {
    return { scene: { kind: "stack", count: count ?? 3, thing }, unknownWords };
  }
  return { scene: { kind: "single", thing }, unknownWords };
}

/** Takes the first of each kind; what is left over goes to `unused`. */
function thingOf(clause: readonly Token[], unused: string[]): Thing {
  const found: { -readonly [K in keyof Thing]: Thing[K] } = { noun: defaultNoun };
  let named = false;
  const spareColours: { readonly words: string; readonly value: Colour }[] = [];
  for (const { words, meaning } of clause) {
    if (meaning?.kind === "noun" && !named) {
      found.noun = meaning.value;
      named = true;
    } else if (meaning?.kind === "colour") {
      if (found.colour === undefined) {
        found.colour = meaning.value;
      } else {
        spareColours.push({ words, value: meaning.value });
      }
    } else if (meaning?.kind === "material" && found.material === undefined) {
      found.material = meaning.value;
    } else if (meaning?.kind === "colouredMaterial" && found.material === undefined) {
      found.material = meaning.material;
      found.colour ??= meaning.colour;
    } else if (meaning?.kind === "size" && found.size === undefined) {
      found.size = meaning.value;
    } else {
      unused.push(words);
    }
  }
  for (const { words, value } of spareColours) {
    if (isPattern(found.material) && found.secondColour === undefined && value !== found.colour) {
      found.secondColour = value;
    } else {
      unused.push(words);
    }
  }
  return found;
}

/** Words and phrases of the vocabulary, the longest first at each place. */
function tokensOf(prompt: string): readonly Token[] {
  const words = prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const tokens: Token[] = [];
  for (let at = 0; at < words.length; ) {
    let length = Math.min(longestPhrase, words.length - at);
    while (length > 1 && !lexicon.has(words.slice(at, at + length).join(" "))) {
      length--;
    }
    const phrase = words.slice(at, at + length).join(" ");
    tokens.push({ words: phrase, meaning: lexicon.get(phrase) });
    at += length;
  }
  return tokens;
}

const lexicon: ReadonlyMap<string, Meaning> = createLexicon();

function createLexicon(): ReadonlyMap<string, Meaning> {
  const entries = new Map<string, Meaning>();
  for (const word of fillers) {
    entries.set(word, { kind: "filler" });
  }
  for (const word of stackWords) {
    entries.set(word, { kind: "stack" });
  }
  for (const [index, word] of counts.entries()) {
    const value = index === 0 ? 2 : index === 1 ? 3 : 4;
    entries.set(word, { kind: "count", value }).set(String(value), { kind: "count", value });
  }
  for (const value of colours) {
    entries.set(value, { kind: "colour", value });
  }
  for (const value of materials) {
    entries.set(value, { kind: "material", value });
  }
  for (const value of sizes) {
    entries.set(value, { kind: "size", value });
  }
  for (const value of relations) {
    entries.set(value, { kind: "relation", value });
  }
  for (const value of [...primitives, ...objects]) {
    entries.set(value, { kind: "noun", value, plural: false });
    entries.set(pluralOf(value), { kind: "noun", value, plural: true });
  }
  for (const [phrase, target] of Object.entries(synonyms)) {
    const meaning: Meaning | undefined =
      typeof target === "string"
        ? entries.get(target)
        : { kind: "colouredMaterial", colour: target[0], material: target[1] };
    if (meaning === undefined) {
      throw new Error(`synonym "${phrase}" of an unknown word`);
    }
    entries.set(phrase, meaning);
    if (meaning.kind === "noun") {
      entries.set(`${phrase}s`, { ...meaning, plural: true });
    }
  }
  return entries;
}
