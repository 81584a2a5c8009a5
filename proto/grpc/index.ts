export {
  type ClientCallOptions,
  type ClientMethod,
  createServiceClient,
  type ServiceClient,
  streamMethod,
  unaryMethod,
} from "./client.ts";
export { defaultMaxMessageBytes, messageLimits, pathOf } from "./method.ts";
export { descriptorPackage } from "./reflection.ts";
export { implement, serviceDefinition } from "./server.ts";
