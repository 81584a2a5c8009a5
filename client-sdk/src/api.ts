/** What the entries for Node and for browsers have in common. */
export type {
  Asset,
  AssetEncoding,
  Assignment,
  LintFinding,
  Model,
  Renderer,
  ScoreReport,
  Scoring,
  ScoringFailure,
  Task,
  TaskFailure,
  Timings,
  ViewScore,
  WatchTaskResponse,
} from "@turntable/proto";
export { AssignmentState, LintSeverity, ScoringState, TaskState } from "@turntable/proto";
export type { ErrorDetails, FieldProblem, LimitProblem } from "@turntable/proto/error-details";
export type {
  AssetStream,
  Download,
  DownloadOptions,
  OpenDownloadOptions,
  TransferProgress,
} from "./download.ts";
export {
  AssetTooLargeError,
  CallFailedError,
  ClientClosedError,
  CorruptDownloadError,
  InvalidOptionError,
  ScoringFailedError,
  type StatusCode,
  TaskFailedError,
  TurntableError,
} from "./errors.ts";
export type { OperationOptions } from "./operations.ts";
export { type AssetOrigin, type VerifyOptions, verifyAssetOrigin } from "./origin.ts";
export {
  type ReportSignature,
  type VerifyReportOptions,
  verifyReport,
} from "./report-signature.ts";
export type { RetryNotice, RetryPolicy, Timing } from "./retry.ts";
export type { ScoreOptions } from "./scoring.ts";
export {
  type CreateOptions,
  type Generated,
  type GenerateOptions,
  hasEnded,
  type ListOptions,
  type TaskEvent,
  type TaskPage,
  type TurntableClient,
  type WatchOptions,
} from "./turntable-client.ts";
