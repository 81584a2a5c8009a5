export {
  defaultQueueCapacity,
  defaultTimeoutMs,
  type EndpointOptions,
  type GenerationEndpoint,
  type ProtocolYear,
  protocolYears,
  startGenerationEndpoint,
} from "./endpoint.ts";
export type { GenerationEvent } from "./events.ts";
