/** The one place where what can go wrong in a call gets its status, with details for programs. */
import {
  type ErrorDetails,
  encodeErrorDetails,
  errorDetailsTrailer,
} from "@turntable/proto/error-details";
import { RpcError, statusCodes } from "@turntable/proto/rpc";

/**
 * A field of the request is malformed.
 * @param field its name in the request's message; `problem` goes on from there: "prompt is empty"
 */
export const invalidArgument = (field: string, problem: string): RpcError =>
  detailed(statusCodes.INVALID_ARGUMENT, `${field} ${problem}`, {
    reason: "FIELD_INVALID",
    fields: [{ field, description: problem }],
  });
/** There is no such thing for this caller. */
export const notFound = (what: string): RpcError =>
  detailed(statusCodes.NOT_FOUND, what, { reason: "NOT_FOUND" });
/** What was to be made exists in another form. */
export const alreadyExists = (message: string): RpcError =>
  detailed(statusCodes.ALREADY_EXISTS, message, { reason: "ALREADY_EXISTS" });
/** The thing is not in the state for that; the message says which state it waits for. */
export const failedPrecondition = (message: string): RpcError =>
  detailed(statusCodes.FAILED_PRECONDITION, message, { reason: "WRONG_STATE" });
/** A field of the request points beyond the end of what it points into. */
export const outOfRange = (field: string, problem: string): RpcError =>
  detailed(statusCodes.OUT_OF_RANGE, `${field} ${problem}`, {
    reason: "OUT_OF_RANGE",
    fields: [{ field, description: problem }],
  });
/** A field of the request is larger than its limit: asking again does not help. */
export const tooLarge = (field: string, problem: string): RpcError =>
  detailed(statusCodes.RESOURCE_EXHAUSTED, `${field} ${problem}`, {
    reason: "FIELD_TOO_LARGE",
    limits: [{ subject: field, description: problem }],
  });
/** There is no room now; asking again after `retryAfterMs` may help. */
export const exhausted = (subject: string, message: string, retryAfterMs: number): RpcError =>
  detailed(statusCodes.RESOURCE_EXHAUSTED, message, {
    reason: "LIMIT_REACHED",
    limits: [{ subject, description: message }],
    retryAfterMs,
  });
/** Nobody we know calls. */
export const unauthenticated = (message: string): RpcError =>
  detailed(statusCodes.UNAUTHENTICATED, message, { reason: "UNAUTHENTICATED" });
/** We know who calls, and it may not do that. */
export const permissionDenied = (message: string): RpcError =>
  detailed(statusCodes.PERMISSION_DENIED, message, { reason: "PERMISSION_DENIED" });
/** We cannot answer now; the same call may be made again after `retryAfterMs`. */
export const unavailable = (message: string, retryAfterMs: number): RpcError =>
  detailed(statusCodes.UNAVAILABLE, message, { reason: "UNAVAILABLE", retryAfterMs });
/** A bug: the caller learns the id under which the log has the cause. */
export const internal = (id: string, cause: unknown): RpcError =>
  new RpcError(statusCodes.INTERNAL, `internal error ${id}`, { cause });

function detailed(code: number, message: string, details: Partial<ErrorDetails>): RpcError {
  const trailers = { [errorDetailsTrailer]: encodeErrorDetails(code, message, details) };
  return new RpcError(code, message, { trailers });
}
