/**
 * Parts that only this repository's other workspaces need: training and the measurements. No native library is loaded
 * by importing it; those that are to run in the caller's own process are `internal/jobs`, `internal/onnx` and `internal/webgpu`.
 */
export { listGpus, vulkanEnvironment } from "./gpu/index.ts";
export { startWebgpuRenderer } from "./render/index.ts";
export { startInference } from "./score/inference/index.ts";
export { readModelDirectory } from "./score/model-directory.ts";
export { parsePreprocessing } from "./score/picture-settings.ts";
export { createCrop, createPixelWriter } from "./score/preprocess.ts";
export { createTokenizer } from "./score/tokenizer.ts";
export { createVocabulary, tokenizerJson } from "./score/vocabulary.ts";
export { createProfiles } from "./scoring/index.ts";
export { type JobEvent, runJobLoop } from "./worker/loop.ts";
