export { createMiners, type Miner, type Miners } from "./miners.ts";
