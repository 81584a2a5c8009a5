export type { Fault } from "./node.ts";
export { createOwnMetadata, type OwnMetadata } from "./own-metadata.ts";
export { type Simulator, type SimulatorOptions, startSimulator } from "./simulator.ts";
