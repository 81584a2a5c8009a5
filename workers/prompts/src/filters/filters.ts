/** Which prompts are worth a task: short, of one thing, that can be seen, and not asked before. */
import { colours } from "@turntable/generation/grammar";
import { bannedWords } from "./banned-words.ts";
import { cleanPrompt } from "./clean.ts";
import { createNearDuplicates } from "./near-duplicates.ts";
import { wordsOf } from "./words.ts";

export interface FilterLimits {
  readonly leastChars: number;
  readonly mostChars: number;
  readonly mostWords: number;
  /** Prompts that are remembered as asked before. */
  readonly remembered: number;
}

/** Source: the subnet's dataset. */
export const defaultFilterLimits: FilterLimits = {
  leastChars: 5,
  mostChars: 100,
  mostWords: 8,
  remembered: 200_000,
};

export const rejections = [
  "too-short",
  "too-long",
  "too-many-words",
  "not-plain",
  "several-objects",
  "banned-word",
  "duplicate",
] as const;
export type Rejection = (typeof rejections)[number];

export type Filtered =
  | { readonly kind: "kept"; readonly prompt: string }
  | { readonly kind: "rejected"; readonly prompt: string; readonly why: Rejection };

export interface Filters {
  /** Cleans and judges one line; what is kept is remembered, and never kept again. */
  take(line: string): Filtered;
}

const colourWords: ReadonlySet<string> = new Set([...colours, "grey"]);

export function createFilters(limits: FilterLimits = defaultFilterLimits): Filters {
  const seen = createNearDuplicates(limits.remembered);
  return {
    take(line) {
      const prompt = cleanPrompt(line);
      const why = judgeAlone(prompt, limits) ?? (seen.isNew(prompt) ? undefined : "duplicate");
      return why === undefined ? { kind: "kept", prompt } : { kind: "rejected", prompt, why };
    },
  };
}

/** What can be said without knowing the others; undefined when nothing is against it. */
export function judgeAlone(prompt: string, limits: FilterLimits): Rejection | undefined {
  if (prompt.length < limits.leastChars) {
    return "too-short";
  }
  if (prompt.length > limits.mostChars) {
    return "too-long";
  }
  const words = wordsOf(prompt);
  if (words.length > limits.mostWords) {
    return "too-many-words";
  }
  if (!/^[\p{L}\p{N}' -]+$/u.test(prompt)) {
    return "not-plain";
  }
  if (namesSeveral(words)) {
    return "several-objects";
  }
  return words.some((word) => bannedWords.has(word)) ? "banned-word" : undefined;
}

/** Places of one thing at another: what follows them is a second thing. */
const relations = [
  ...["next to", "on top of", "beside", "behind", "in front of", "surrounded by", "holding"],
  ...["inside", "above", "below", "under", "near", "between", "against", "or", "plus", "riding"],
];

function namesSeveral(words: readonly string[]): boolean {
  const text = ` ${words.join(" ")} `;
  if (relations.some((relation) => text.includes(` ${relation} `))) {
    return true;
  }
  // "a black and white cat" is one thing, "a cat and a dog" is not.
  return words.some(
    (word, index) => word === "and" && !colourWords.has(words[index + 1] ?? "") && index > 0,
  );
}
