/** What a source of prompts is, whatever stands behind it. */

/** A prompt as it was made; the filters are still to come. */
export interface Draft {
  readonly text: string;
  /** What was asked of the source. */
  readonly category: string;
}

export interface PromptSource {
  readonly name: string;
  readonly categories: readonly string[];
  /**
   * Some prompts of the category.
   * @throws SourceError when there are none to be had, or the signal's reason
   */
  draw(category: string, signal: AbortSignal): Promise<readonly Draft[]>;
}

/** A source gave no prompts; the message says why. */
export class SourceError extends Error {
  override name = "SourceError";
  readonly code = "prompt-source";
}
