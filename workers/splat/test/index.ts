/** Splats and broken assets made by code, for tests and measurements of all workspaces. */
export { makeKsplat } from "./makers/ksplat.ts";
export { makeSog, sogParts } from "./makers/sog.ts";
export { makeZip } from "./makers/zip.ts";
export {
  asciiPly,
  brokenAsset,
  fuzzLimits,
  type Original,
  originals,
  outcomeOf,
} from "./mutations.ts";
export {
  ball,
  cloudOf,
  createRandom,
  direction,
  noisy,
  type Point,
  type Random,
  reordered,
  together,
} from "./shapes.ts";
