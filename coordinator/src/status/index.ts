export {
  describeStatus,
  readStatus,
  type Status,
  StatusError,
  type StatusSources,
  startStatus,
} from "./status.ts";
