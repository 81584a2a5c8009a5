import {
  type ErrorDetails,
  type FieldProblem,
  type LimitProblem,
  noErrorDetails,
} from "@turntable/proto/error-details";

/** What can go wrong with a call, as the server or the network named it; the words are gRPC's status codes. */
export type StatusCode =
  | "unknown"
  | "invalid-argument"
  | "deadline-exceeded"
  | "not-found"
  | "already-exists"
  | "permission-denied"
  | "resource-exhausted"
  | "failed-precondition"
  | "aborted"
  | "out-of-range"
  | "unimplemented"
  | "internal"
  | "unavailable"
  | "data-loss"
  | "unauthenticated";

/** Every error that this package throws by itself; tell them apart by `code` or `instanceof`. */
export abstract class TurntableError extends Error {
  abstract readonly code: string;
}

/** The server refused a call, or could not be reached. */
export class CallFailedError extends TurntableError {
  override name = "CallFailedError";
  readonly code: StatusCode;
  /** The reason as the server, or the network, gave it. */
  readonly details: string;
  /** What happened, for programs, such as `FIELD_TOO_LARGE`; empty when the server does not say. */
  readonly reason: string;
  /** Fields of the request that the server found wrong, with `invalid-argument`. */
  readonly fields: readonly FieldProblem[];
  /** Limits that stand in the way, with `resource-exhausted`. */
  readonly limits: readonly LimitProblem[];
  /** The server asks not to try again earlier, in ms; undefined when it does not say. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: StatusCode,
    details: string,
    options: ErrorOptions & { readonly more?: ErrorDetails } = {},
  ) {
    super(`${code}: ${details}`, options);
    this.code = code;
    this.details = details;
    const { reason, fields, limits, retryAfterMs } = options.more ?? noErrorDetails;
    this.reason = reason;
    this.fields = fields;
    this.limits = limits;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The bytes that arrived are not those that the server announced. Downloading again may help. */
export class CorruptDownloadError extends TurntableError {
  override name = "CorruptDownloadError";
  readonly code = "corrupt-download";
  readonly taskId: string;
  /** What differs. */
  readonly details: string;

  constructor(taskId: string, details: string) {
    super(`the asset of task ${taskId} arrived damaged: ${details}`);
    this.taskId = taskId;
    this.details = details;
  }
}

/** The asset is larger than the client agreed to take (`maxAssetBytes`). Nothing was downloaded. */
export class AssetTooLargeError extends TurntableError {
  override name = "AssetTooLargeError";
  readonly code = "asset-too-large";
  readonly sizeBytes: bigint;
  readonly limitBytes: number;

  constructor(sizeBytes: bigint, limitBytes: number) {
    super(
      `the asset has ${sizeBytes} bytes, the limit is ${limitBytes}: raise maxAssetBytes to take it`,
    );
    this.sizeBytes = sizeBytes;
    this.limitBytes = limitBytes;
  }
}

/** The task ended without a result. Creating a new one may help. */
export class TaskFailedError extends TurntableError {
  override name = "TaskFailedError";
  readonly code = "task-failed";
  readonly taskId: string;
  /** `Task.failure.code`, for example `expired`; `cancelled` when somebody cancelled it. */
  readonly failureCode: string;
  readonly details: string;

  constructor(taskId: string, failureCode: string, details: string) {
    super(`task ${taskId} failed: ${details || failureCode}`);
    this.taskId = taskId;
    this.failureCode = failureCode;
    this.details = details;
  }
}

/** A scoring ended without a report. */
export class ScoringFailedError extends TurntableError {
  override name = "ScoringFailedError";
  readonly code = "scoring-failed";
  readonly scoringId: string;
  /** `Scoring.failure.code`: `invalid-asset` when the bytes are no asset, `system-fault`, `expired`, `cancelled`. */
  readonly failureCode: string;
  readonly details: string;

  constructor(scoringId: string, failureCode: string, details: string) {
    super(`the asset could not be scored: ${details || failureCode}`);
    this.scoringId = scoringId;
    this.failureCode = failureCode;
    this.details = details;
  }
}

/** An option of the client cannot be used; the message says which, and what is expected. Never holds a secret. */
export class InvalidOptionError extends TurntableError {
  override name = "InvalidOptionError";
  readonly code = "invalid-option";
}

/** The client was disposed before or while it was used. */
export class ClientClosedError extends TurntableError {
  override name = "ClientClosedError";
  readonly code = "client-closed";

  constructor(options?: ErrorOptions) {
    super("the client was disposed", options);
  }
}
