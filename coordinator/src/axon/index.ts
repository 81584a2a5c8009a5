export { axonLimitOptions, defaultSubmissionBytes } from "./limits.ts";
export { createMinerProtocol } from "./miner-protocol.ts";
export { type AxonPlace, type OpenAxons, type OpenAxonsOptions, openAxons } from "./open-axons.ts";
