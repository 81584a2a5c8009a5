export { createMiners, type Miner, type Miners } from "./miners.ts";
export { fidelityOf, type RuleSet, type RuleSetName, ruleSets } from "./rules.ts";
