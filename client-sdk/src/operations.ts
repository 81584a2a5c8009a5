/** What every operation of a client has: its limit, its trace, and when it is tried again. */
import {
  type Context,
  isSpanContextValid,
  context as openTelemetry,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { randomHex } from "./bytes.ts";
import { CallFailedError } from "./errors.ts";
import {
  defaultRetryPolicy,
  type RetryNotice,
  type RetryOptions,
  type RetryPolicy,
  type Timing,
} from "./retry.ts";
import type { CallOptions } from "./transport.ts";

/** Options of every operation. */
export interface OperationOptions {
  /** Ends the operation, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Limit of the operation with all its tries, in ms. */
  readonly timeoutMs?: number | undefined;
  /** OpenTelemetry context whose trace is continued. Default: the active one; a new trace begins outside of any. */
  readonly context?: Context | undefined;
}

const defaultTimeoutMs = 60_000;

export interface Operations {
  /** Default limit of an operation, in ms. */
  readonly timeoutMs: number;
  /** @param limitMs holds unless the operation has a limit of its own; undefined is none */
  begin(
    operation: OperationOptions,
    limitMs: number | undefined,
  ): { readonly call: CallOptions; readonly retry: RetryOptions };
}

export function createOperations(
  options: {
    readonly timeoutMs?: number | undefined;
    readonly retry?: Partial<RetryPolicy> | undefined;
    readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
  },
  { timing }: { readonly timing: Timing },
): Operations {
  const contact = { made: false };
  const policy = { ...defaultRetryPolicy, ...options.retry };
  return {
    timeoutMs: options.timeoutMs ?? defaultTimeoutMs,
    begin(operation, limitMs) {
      const timeoutMs = operation.timeoutMs ?? limitMs;
      const call: CallOptions = {
        signal: operation.signal,
        deadline: timeoutMs === undefined ? undefined : new Date(Date.now() + timeoutMs),
        trace: inTrace(operation.context),
      };
      return { call, retry: { ...call, contact, policy, timing, onRetry: options.onRetry } };
    },
  };
}

/** The given context or the active one, in a new trace when it is in none. */
export function inTrace(context: Context = openTelemetry.active()): Context {
  const spanContext = trace.getSpanContext(context);
  if (spanContext !== undefined && isSpanContextValid(spanContext)) {
    return context;
  }
  return trace.setSpanContext(context, {
    traceId: randomHex(16),
    spanId: randomHex(8),
    traceFlags: TraceFlags.SAMPLED,
  });
}

/** @throws CallFailedError when the server left it out */
export function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) {
    throw new CallFailedError("internal", `the answer has no ${what}`);
  }
  return value;
}
