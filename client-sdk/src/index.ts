export type {
  Asset,
  AssetEncoding,
  Assignment,
  ScoreReport,
  Task,
  TaskFailure,
  ViewScore,
} from "@turntable/proto";
export { AssignmentState, TaskState } from "@turntable/proto";
export type { FieldProblem, LimitProblem } from "@turntable/proto/error-details";
export {
  type CreateOptions,
  createTurntableClient,
  type Generated,
  type GenerateOptions,
  hasEnded,
  type ListOptions,
  type OperationOptions,
  type TaskEvent,
  type TaskPage,
  type TurntableClient,
  type TurntableClientOptions,
  type WatchOptions,
} from "./client.ts";
export type { Download } from "./download.ts";
export {
  AssetTooLargeError,
  CallFailedError,
  ClientClosedError,
  CorruptDownloadError,
  InvalidOptionError,
  type StatusCode,
  TaskFailedError,
  TurntableError,
} from "./errors.ts";
export { type AssetOrigin, type VerifyOptions, verifyAssetOrigin } from "./origin.ts";
export {
  type ReportSignature,
  type VerifyReportOptions,
  verifyReport,
} from "./report-signature.ts";
export type { RetryNotice, RetryPolicy } from "./retry.ts";
export type { TlsOptions } from "./transport.ts";
