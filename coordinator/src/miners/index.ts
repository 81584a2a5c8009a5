export { createMinerReader, createMiners, type Miner, type Miners } from "./miners.ts";
