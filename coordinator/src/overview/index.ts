export { type Leader, type LeaderSources, leaderOf } from "./leaders.ts";
export {
  createOverview,
  type Overview,
  type OverviewReader,
  type OverviewSources,
  type QueueClass,
  type Validator,
} from "./overview.ts";
export type { Problem, Severity } from "./problems.ts";
