export {
  type EndpointOptions,
  type GenerationEndpoint,
  type GenerationEvent,
  startGenerationEndpoint,
} from "./endpoint/index.ts";
export {
  createCommandEngine,
  createHttpEngine,
  EngineError,
  type GenerationEngine,
  startProceduralEngine,
} from "./engines/index.ts";
export {
  defaultSplats,
  type Generated,
  type GenerateRequest,
  generate,
  splatLimits,
} from "./procedural/generate.ts";
export { type Quality, qualities } from "./procedural/quality.ts";
