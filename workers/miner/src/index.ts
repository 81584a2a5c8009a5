export { type Generation, requestGeneration } from "./generation.ts";
export { type MinerOptions, startMiner } from "./miner.ts";
export { parseValidator } from "./validators.ts";
