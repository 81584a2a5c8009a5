/** The words of a prompt as its filters see them. */

/** Words that name nothing and change nothing. */
const fillers = new Set([
  ...["a", "an", "the", "of", "with", "and", "in", "on", "for", "its", "very", "really", "some"],
  ...["made", "single", "one", "by", "to", "from", "is", "that", "this"],
]);

/** Small words, in their order. */
export function wordsOf(prompt: string): readonly string[] {
  return prompt.toLowerCase().match(/[\p{L}\p{N}]+(?:'[\p{L}]+)?/gu) ?? [];
}

/** The words that say what is to be seen, in the singular, each once; in no order that means anything. */
export function contentWords(prompt: string): readonly string[] {
  const words = wordsOf(prompt).filter((word) => !fillers.has(word));
  return [...new Set(words.map(singular))];
}

/** English plurals, roughly: `boxes`, `berries`, `cats`; `glass` and `bus` stay. */
function singular(word: string): string {
  if (word.length > 4 && word.endsWith("ies")) {
    return `${word.slice(0, -3)}y`;
  }
  if (/(?:[sxz]|ch|sh)es$/.test(word)) {
    return word.slice(0, -2);
  }
  return word.length > 3 && /[^su]s$/.test(word) ? word.slice(0, -1) : word;
}
