export { cleanPrompt } from "./clean.ts";
export {
  createFilters,
  defaultFilterLimits,
  type Filtered,
  type FilterLimits,
  type Filters,
  type Rejection,
  rejections,
} from "./filters.ts";
export { createNearDuplicates, type NearDuplicates } from "./near-duplicates.ts";
