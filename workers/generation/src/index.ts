export {
  type EndpointOptions,
  type GenerationEndpoint,
  type GenerationEvent,
  startGenerationEndpoint,
} from "./endpoint.ts";
export { type Generated, type GenerateRequest, generate } from "./engine/generate.ts";
