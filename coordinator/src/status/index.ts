export { type HealthSources, observeHealth } from "./metrics.ts";
export {
  describeStatus,
  readStatus,
  type Status,
  StatusError,
  type StatusSources,
  startStandingBy,
  startStatus,
  takeStatus,
} from "./status.ts";
