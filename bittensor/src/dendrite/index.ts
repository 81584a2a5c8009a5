export { createDendrite } from "./dendrite.ts";
export type { AxonTarget, CallOptions, CallOutcome, Dendrite, DendriteOptions } from "./types.ts";
