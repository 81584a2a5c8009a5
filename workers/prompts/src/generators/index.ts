export { type Draft, type PromptSource, SourceError } from "./generator.ts";
export { createGrammarSource, grammarCategories } from "./grammar.ts";
export { createLanguageModelSource, type LanguageModelOptions } from "./language-model.ts";
