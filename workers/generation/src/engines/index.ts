export { type CommandEngineOptions, createCommandEngine } from "./command.ts";
export {
  assetFormats,
  type EngineAnswer,
  EngineError,
  type EngineErrorCode,
  type EngineRequest,
  type GenerationEngine,
} from "./engine.ts";
export { createHttpEngine, type HttpEngineOptions } from "./http.ts";
export { startProceduralEngine } from "./procedural.ts";
