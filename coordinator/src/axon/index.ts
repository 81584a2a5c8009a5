export { axonLimitOptions, defaultSubmissionBytes } from "./limits.ts";
export { createMinerProtocol, type PullAnswer } from "./miner-protocol.ts";
export { type AxonPlace, type OpenAxons, type OpenAxonsOptions, openAxons } from "./open-axons.ts";
