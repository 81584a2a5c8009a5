export { defaultRetention, type RetentionLimits } from "./limits.ts";
export { createRetention, type Removed, type Retention } from "./retention.ts";
