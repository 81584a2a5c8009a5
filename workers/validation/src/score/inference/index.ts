export type { ExecutionProvider } from "./graph.ts";
export { type Inference, startInference } from "./inference.ts";
export type { TowerOptions } from "./towers.ts";
