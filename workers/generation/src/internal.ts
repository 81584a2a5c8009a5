/** Words that the grammar takes but does not make: what the demonstration model is trained on. */
export { counts, fillers, pluralOf, stackWords, synonyms } from "./grammar/vocabulary.ts";
