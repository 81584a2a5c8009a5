export { startAxon } from "./axon.ts";
export { AxonError } from "./errors.ts";
export {
  createNonceMemory,
  type NonceMemoryOptions,
  type NonceStore,
  recentNonces,
} from "./nonces.ts";
export { route } from "./route.ts";
export type {
  Axon,
  AxonCall,
  AxonEvent,
  AxonHandler,
  AxonLimits,
  AxonOptions,
  AxonRoute,
  Caller,
} from "./types.ts";
