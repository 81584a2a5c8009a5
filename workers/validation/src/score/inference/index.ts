export type { ExecutionProvider } from "./graph.ts";
export { type Inference, startInference } from "./inference.ts";
export { describePlacement, type Placement } from "./placement.ts";
export type { TowerOptions } from "./towers.ts";
