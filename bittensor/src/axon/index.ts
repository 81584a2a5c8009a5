export { startAxon } from "./axon.ts";
export { type AxonThreads, startAxonThreads } from "./axon-threads.ts";
export { AxonError } from "./errors.ts";
export { type AxonLimits, defaultAxonLimits, type Refusal, type RefusalReason } from "./limits.ts";
export {
  createNonceMemory,
  type NonceMemoryOptions,
  type NonceStore,
  noncesOfHotkey,
  recentNonces,
} from "./nonces.ts";
export { route } from "./route.ts";
export type {
  Axon,
  AxonCall,
  AxonEvent,
  AxonHandler,
  AxonOptions,
  AxonRoute,
  Caller,
  Payload,
} from "./types.ts";
