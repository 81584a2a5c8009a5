export { createFilters, defaultFilterLimits, type FilterLimits } from "./filters/index.ts";
export { createPipeline, type Kept, type Pipeline, type PipelineOptions } from "./pipeline.ts";
export { openPool, type Pool, startPromptServer } from "./service/index.ts";
