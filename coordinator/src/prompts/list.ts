/** What may stand in a list of prompts, wherever it comes from. */

/** A prompt is one line, and nothing in it moves a cursor. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
const control = /[\u0000-\u001f\u007f-\u009f]/;

/** The prompts of a text, one a line; blank lines and doubles are left out. */
export function parsePrompts(text: string): readonly string[] {
  return cleanPrompts(text.split(/\r?\n/), Number.POSITIVE_INFINITY);
}

/**
 * Prompts without blanks around them, without doubles, and without what is none: other values than text, nothing, more
 * than `maxChars` code points, control characters.
 */
export function cleanPrompts(values: Iterable<unknown>, maxChars: number): readonly string[] {
  const prompts = new Set<string>();
  for (const value of values) {
    const prompt = typeof value === "string" ? value.trim() : "";
    if (prompt !== "" && !control.test(prompt) && isWithin(prompt, maxChars)) {
      prompts.add(prompt);
    }
  }
  return [...prompts];
}

/** Counts code points only where there could be too many. */
function isWithin(text: string, maxChars: number): boolean {
  return text.length <= maxChars || (text.length <= 2 * maxChars && [...text].length <= maxChars);
}
