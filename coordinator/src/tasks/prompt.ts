/** What a prompt may be, whoever gives it: one line of text that people see as it is. */

/** Why a prompt is not taken; the words go on from its name: "has control characters". */
export interface PromptProblem {
  readonly kind: "too-long" | "unfit";
  readonly problem: string;
}

/** What no prompt has, and the words for it; looked for in this order. */
const refused: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/[\p{Cc}\u2028\u2029]/u, "control characters (a line break, say); give one line of text"],
  [/[\u202a-\u202e\u2066-\u2069]/u, "characters that turn the direction of text; leave them out"],
  [/[\u{e0000}-\u{e007f}]/u, "tag characters, which nobody sees; leave them out"],
];
/** What is seen: no control, no space, no mark alone, nothing that is made to be invisible. */
const visible = /[^\p{C}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}]/u;

/**
 * What is wrong with the prompt; undefined when nothing is.
 * @param maxChars in characters (code points)
 */
export function promptProblem(prompt: string, maxChars: number): PromptProblem | undefined {
  // Characters are at most as many as UTF-16 units, so most prompts need no counting.
  const chars = prompt.length > maxChars ? [...prompt].length : 0;
  if (chars > maxChars) {
    const problem = `has ${chars} characters; at most ${maxChars} are allowed`;
    return { kind: "too-long", problem };
  }
  if (prompt.trim() === "") {
    return { kind: "unfit", problem: "is empty; say what to make" };
  }
  for (const [pattern, what] of refused) {
    if (pattern.test(prompt)) {
      return { kind: "unfit", problem: `has ${what}` };
    }
  }
  return visible.test(prompt)
    ? undefined
    : { kind: "unfit", problem: "has nothing that can be seen; say what to make" };
}
