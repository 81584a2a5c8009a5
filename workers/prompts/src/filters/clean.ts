/** What people and language models write around a prompt, taken away. */

/** `1.`, `2)`, `-`, `*`, `•` and the like at the beginning of a line of a list. */
const bullet = /^\s*(?:[-*•–—>#]+|\(?\d{1,4}[.):\]]|[a-zA-Z][.)])\s+/;
/** Orders instead of things: "Create a 3D model of a red chair". */
const leading =
  /^(?:(?:please|now|could you)\s+)?(?:create|generate|make|design|draw|render|imagine|build|show|model|depict)\s+(?:me\s+)?(?:(?:a|an|the)\s+)?(?:(?:3d|three-dimensional)\s+)?(?:(?:model|image|picture|rendering|render|asset|object|drawing)\s+(?:of|showing)\s+)?/i;
/** "3D model of a red chair", "Prompt: a red chair" */
const heading =
  /^(?:prompt|object|description|title)\s*:\s*|^(?:a\s+|the\s+)?(?:3d\s+)?(?:model|rendering|render|asset)\s+of\s+/i;

/** One prompt in plain words: small first letter, no numbering, quotes, markup, order or full stop. Empty for nothing. */
export function cleanPrompt(line: string): string {
  let text = line.normalize("NFKC").replace(/[\p{Cc}\p{Cf}]+/gu, " ");
  text = text.replace(/[*_`#~]+/g, "").replace(bullet, "");
  text = text.replace(/[“”„«»"]/g, "").replace(/[’‘]/g, "'");
  text = text.replace(heading, "").replace(leading, "").replace(heading, "");
  text = text.replace(/\s+/g, " ").replace(/^[\s,;:.!?'-]+|[\s,;:.!?'-]+$/g, "");
  return isName(text) ? text : text.charAt(0).toLowerCase() + text.slice(1);
}

/** A first word in capitals ("LED lamp") keeps them. */
function isName(text: string): boolean {
  return /^\p{Lu}{2}/u.test(text);
}
