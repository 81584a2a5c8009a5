export {
  type Clip,
  type ClipOptions,
  defaultModelDir,
  demonstrationNote,
  describeFiles,
  loadClip,
  negatives,
  ownSettings,
  type ViewScoring,
} from "./clip.ts";
export { type Compared, driftOf } from "./drift.ts";
export { ModelError, type ModelErrorCode } from "./errors.ts";
export { describePlacement, type ExecutionProvider } from "./inference/index.ts";
export { readTokenizer } from "./model-directory.ts";
export {
  checkModel,
  differenceOf,
  type ModelTest,
  mostDifference,
  probabilitiesOfTest,
  recordModel,
  testPictureCount,
} from "./self-test.ts";
export type { Tokenizer } from "./tokenizer.ts";
