export {
  defaultQueueCapacity,
  defaultTimeoutMs,
  type EndpointOptions,
  type GenerationEndpoint,
  startGenerationEndpoint,
} from "./endpoint.ts";
export type { GenerationEvent } from "./events.ts";
