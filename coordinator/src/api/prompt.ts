/** What a prompt may be: one line of text that people see as it is. */
import { invalidArgument, tooLarge } from "./errors.ts";

/** What no prompt has, and the words for it; looked for in this order. */
const refused: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/[\p{Cc}\u2028\u2029]/u, "control characters (a line break, say); give one line of text"],
  [/[\u202a-\u202e\u2066-\u2069]/u, "characters that turn the direction of text; leave them out"],
  [/[\u{e0000}-\u{e007f}]/u, "tag characters, which nobody sees; leave them out"],
];
/** What is seen: no control, no space, no mark alone, nothing that is made to be invisible. */
const visible = /[^\p{C}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}]/u;

/**
 * @param maxChars in characters (code points)
 * @throws RpcError INVALID_ARGUMENT or RESOURCE_EXHAUSTED, naming the field `prompt`
 */
export function checkPrompt(prompt: string, maxChars: number): void {
  // Characters are at most as many as UTF-16 units, so most prompts need no counting.
  const chars = prompt.length > maxChars ? [...prompt].length : 0;
  if (chars > maxChars) {
    throw tooLarge("prompt", `has ${chars} characters; at most ${maxChars} are allowed`);
  }
  if (prompt.trim() === "") {
    throw invalidArgument("prompt", "is empty; say what to make");
  }
  for (const [pattern, what] of refused) {
    if (pattern.test(prompt)) {
      throw invalidArgument("prompt", `has ${what}`);
    }
  }
  if (!visible.test(prompt)) {
    throw invalidArgument("prompt", "has nothing that can be seen; say what to make");
  }
}
