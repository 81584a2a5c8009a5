export {
  allPrompts,
  type Colour,
  colours,
  type ParsedPrompt,
  parsePrompt,
  type Scene,
  type Shape,
  shapes,
} from "./grammar.ts";
