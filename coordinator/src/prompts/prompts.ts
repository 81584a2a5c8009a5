/** The prompts of synthetic tasks. */
export interface Prompts {
  /** One at random; undefined when there are none. */
  draw(): string | undefined;
}

/**
 * Prompts of a text.
 * @param text one prompt a line; blank lines are skipped.
 * @param random uniform in [0, 1)
 */
export function createPrompts(text: string, random: () => number = Math.random): Prompts {
  const prompts = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  return { draw: () => prompts[Math.floor(random() * prompts.length)] };
}
