export { formatScene } from "./format.ts";
export { type ParsedPrompt, parsePrompt } from "./parse.ts";
export { createRandom, seedOf } from "./random.ts";
export {
  type Category,
  categories,
  pick,
  type Random,
  type SampledPrompt,
  samplePrompt,
  sampleScene,
} from "./sample.ts";
export { isPattern, type Scene, type Thing, thingsOf } from "./scene.ts";
export {
  type Colour,
  type Count,
  colours,
  containers,
  type Material,
  materials,
  type Noun,
  type ObjectName,
  type ObjectNameOf,
  type ObjectTheme,
  objects,
  objectThemes,
  type Pattern,
  type Primitive,
  patterns,
  primitives,
  type Relation,
  relations,
  type Size,
  sizes,
  stackables,
} from "./vocabulary.ts";
