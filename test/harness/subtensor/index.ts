export { createOwnMetadata, type OwnMetadata } from "./own-metadata.ts";
export { type Fault, type Simulator, type SimulatorOptions, startSimulator } from "./simulator.ts";
