/** A trace to be in, and what is seen of it at the other end. */
import { type Context, context, ROOT_CONTEXT, type SpanContext, trace } from "@opentelemetry/api";

export const testTraceId = "0af7651916cd43dd8448eb211c80319c";
const testSpan: SpanContext = { traceId: testTraceId, spanId: "b7ad6b7169203331", traceFlags: 1 };

/** Runs `work` in the span of the test's trace that has the id `spanId`. */
export function inTestTrace<T>(work: () => T, spanId = testSpan.spanId): T {
  return context.with(trace.setSpanContext(ROOT_CONTEXT, { ...testSpan, spanId }), work);
}

export const traceIdOf = (from: Context | undefined): string | undefined =>
  from === undefined ? undefined : trace.getSpanContext(from)?.traceId;

export const spanIdOf = (from: Context): string | undefined => trace.getSpanContext(from)?.spanId;
