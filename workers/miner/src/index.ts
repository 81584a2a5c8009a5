export type { EndpointOptions } from "./endpoints.ts";
export { type Miner, type MinerOptions, startMiner } from "./miner.ts";
export type { Packing } from "./packing.ts";
export { createScorer, type Scorer } from "./quality.ts";
export {
  type MinerStanding,
  type MinerStore,
  MinerStoreError,
  openMinerStore,
  type ValidatorStanding,
} from "./store/index.ts";
export type { QualityOptions } from "./task.ts";
export type { Timing } from "./timing.ts";
