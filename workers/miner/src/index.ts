export { type Miner, type MinerOptions, startMiner } from "./miner.ts";
export type { Packing } from "./packing.ts";
export type { Timing } from "./timing.ts";
