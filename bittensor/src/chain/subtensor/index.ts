export { type ChainEvent, logChainEvent } from "./events.ts";
export type { RetryLimits } from "./retry.ts";
export { connectSubtensor, type SubtensorOptions } from "./subtensor.ts";
