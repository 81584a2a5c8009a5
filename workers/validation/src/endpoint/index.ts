export {
  startValidationEndpoint,
  type ValidationEndpoint,
  type ValidationEndpointOptions,
} from "./endpoint.ts";
export { type EndpointScorer, scoreHere, scoreOverPool } from "./scorers.ts";
