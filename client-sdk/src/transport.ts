/** What the client needs of a connection, and what every kind of connection has in common. */
import type {
  DescMessage,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { type Context, INVALID_SPAN_CONTEXT, TraceFlags, trace } from "@opentelemetry/api";
import { type ErrorDetails, noErrorDetails } from "@turntable/proto/error-details";
import { statusCodes } from "@turntable/proto/rpc";
import { CallFailedError, InvalidOptionError, type StatusCode } from "./errors.ts";

export interface CallOptions {
  readonly signal: AbortSignal | undefined;
  readonly deadline: Date | undefined;
  /** With a valid span context, which is sent whether or not the application has a propagator. */
  readonly trace: Context;
}

/**
 * A connection to a coordinator. Everything that fails leaves it as a `CallFailedError`, as `ClientClosedError`, or as
 * the reason of the caller's own signal.
 */
export interface Transport extends Disposable {
  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions,
  ): Promise<MessageShape<O>>;
  stream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions,
  ): AsyncIterable<MessageShape<O>>;
}

/** @throws InvalidOptionError which does not show the key */
export function checkApiKey(apiKey: string | undefined): void {
  if (apiKey !== undefined && !/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new InvalidOptionError(
      "the API key is empty or has characters that keys do not have (spaces, line breaks, non-ASCII)",
    );
  }
}

/** What goes with every call. */
export function headersOf(
  call: CallOptions,
  apiKey: string | undefined,
): Readonly<Record<string, string>> {
  const traceparent = traceparentOf(call.trace);
  return apiKey === undefined
    ? { traceparent }
    : { traceparent, authorization: `Bearer ${apiKey}` };
}

/** https://www.w3.org/TR/trace-context/, version 00 */
function traceparentOf(context: Context): string {
  const { traceId, spanId, traceFlags } = trace.getSpanContext(context) ?? INVALID_SPAN_CONTEXT;
  return `00-${traceId}-${spanId}-0${traceFlags & TraceFlags.SAMPLED}`;
}

/** A call that failed with one of gRPC's codes although its caller did not end it. */
export function failedCall(
  code: number,
  details: string,
  cause: unknown,
  more: ErrorDetails = noErrorDetails,
): CallFailedError {
  // We did not cancel: a server that is killed resets its streams with this code before its connections break.
  if (code === statusCodes.CANCELLED) {
    return new CallFailedError("unavailable", "the server cut the call off", { cause });
  }
  return new CallFailedError(codesInWords.get(code) ?? "unknown", details, { cause, more });
}

const codesInWords: ReadonlyMap<number, StatusCode> = new Map([
  [statusCodes.UNKNOWN, "unknown"],
  [statusCodes.INVALID_ARGUMENT, "invalid-argument"],
  [statusCodes.DEADLINE_EXCEEDED, "deadline-exceeded"],
  [statusCodes.NOT_FOUND, "not-found"],
  [statusCodes.ALREADY_EXISTS, "already-exists"],
  [statusCodes.PERMISSION_DENIED, "permission-denied"],
  [statusCodes.RESOURCE_EXHAUSTED, "resource-exhausted"],
  [statusCodes.FAILED_PRECONDITION, "failed-precondition"],
  [statusCodes.ABORTED, "aborted"],
  [statusCodes.OUT_OF_RANGE, "out-of-range"],
  [statusCodes.UNIMPLEMENTED, "unimplemented"],
  [statusCodes.INTERNAL, "internal"],
  [statusCodes.UNAVAILABLE, "unavailable"],
  [statusCodes.DATA_LOSS, "data-loss"],
  [statusCodes.UNAUTHENTICATED, "unauthenticated"],
]);
