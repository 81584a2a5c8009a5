/** Prompts of the engine's own grammar: each can be drawn by it. */
import { type Random, samplePrompt } from "@turntable/generation/grammar";
import type { PromptSource } from "./generator.ts";

/** Of one thing each; relations name two. */
export const grammarCategories = ["colour", "material", "primitive", "object", "stack"] as const;
const atOnce = 20;

/** @param random uniform in [0, 1) */
export function createGrammarSource(random: Random): PromptSource {
  return {
    name: "grammar",
    categories: grammarCategories,
    async draw(name) {
      const category = grammarCategories.find((known) => known === name) ?? "object";
      return Array.from({ length: atOnce }, () => ({
        ...{ text: samplePrompt(random, category).prompt, category },
      }));
    },
  };
}
