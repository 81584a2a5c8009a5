/**
 * What the libraries of the project find behind OpenTelemetry's API: which context is active, how it travels in text,
 * and who gives out ids. They import `@opentelemetry/api` alone and know nothing of this file.
 *
 * R1 Of what others send, only a `traceparent` of a sane length is looked at; what is passed on or stored is written
 *    anew from the ids that were in it. `tracestate` and baggage end here.
 * R2 Without an exporter a span is its parent's ids, or new ones where a trace begins: enough to tie log lines and
 *    processes together at next to no cost, and whoever exports further on continues a span that somebody knows.
 */
import { randomFillSync } from "node:crypto";
import {
  type Attributes,
  type Context,
  context,
  INVALID_SPANID,
  INVALID_TRACEID,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  type TextMapPropagator,
  TraceFlags,
  type Tracer,
  type TracerProvider,
  trace,
} from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { parseTraceParent, W3CTraceContextPropagator } from "@opentelemetry/core";

/** A traceparent of today has 55 characters; a later version may append some. */
const maxTraceparentChars = 256;
const header = "traceparent";

/**
 * Puts context, propagation and `provider` behind OpenTelemetry's API, for the whole process, until it is disposed;
 * without effect where that was done before.
 * @param provider who makes spans; by default their ids alone (R2)
 */
export function registerTracing(provider: TracerProvider = idProvider): Disposable {
  if (!trace.setGlobalTracerProvider(provider)) {
    return { [Symbol.dispose]: () => undefined };
  }
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(createPropagator());
  return {
    [Symbol.dispose]() {
      trace.disable();
      propagation.disable();
      context.disable();
    },
  };
}

/** The active trace's id for the log, or nothing. */
export function traceFields(): { readonly trace_id?: string } {
  const active = trace.getSpanContext(context.active());
  return active === undefined || isNone(active) ? {} : { trace_id: active.traceId };
}

/** The active context as W3C text, to be stored with work that is continued later; undefined outside of a trace. */
export function activeTraceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/** The context that a stored or received `traceparent` names; the root when there is none, or none that can be read. */
export function contextOf(traceparent: string | readonly string[] | undefined): Context {
  return propagation.extract(ROOT_CONTEXT, { [header]: traceparent });
}

export interface SpanSettings {
  readonly kind?: "internal" | "server" | "client" | "producer" | "consumer";
  /** What it continues; the active context when absent. */
  readonly parent?: Context | undefined;
  /** Other traces that it belongs to. */
  readonly links?: readonly Context[];
  readonly attributes?: Attributes;
}

/** Runs `work` as a span, which is active meanwhile and ends with it; what `work` throws marks it as failed. */
export function inSpan<T>(
  name: string,
  settings: SpanSettings,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const { kind = "internal", parent = context.active(), attributes = {} } = settings;
  const links = (settings.links ?? []).flatMap((other): Link[] => {
    const linked = trace.getSpanContext(other);
    return linked === undefined ? [] : [{ context: linked }];
  });
  const span = trace
    .getTracer("turntable")
    .startSpan(name, { kind: kinds[kind], links, attributes }, parent);
  return context.with(trace.setSpan(parent, span), async () => {
    try {
      return await work(span);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      span.setStatus({ code: SpanStatusCode.ERROR, message });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** Notes how an HTTP request was answered; 500 and above is a failure of ours. */
export function setHttpStatus(span: Span, status: number): void {
  span.setAttribute("http.response.status_code", status);
  if (status >= 500) {
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
}

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/** R1 */
function createPropagator(): TextMapPropagator {
  const w3c = new W3CTraceContextPropagator();
  return {
    inject(from, carrier, setter) {
      w3c.inject(from, carrier, setter);
    },
    extract(into, carrier, getter) {
      const value = getter.get(carrier, header);
      const text = typeof value === "string" ? value : value?.length === 1 ? value[0] : undefined;
      if (text === undefined || text.length > maxTraceparentChars) {
        return into;
      }
      const found = usualForm.test(text) ? inUsualForm(text) : parseTraceParent(text);
      if (found === null || isNone(found)) {
        return into;
      }
      const { traceId, spanId } = found;
      // Flags that nobody has defined yet are not passed on, as the specification demands.
      const traceFlags = found.traceFlags & TraceFlags.SAMPLED;
      return trace.setSpanContext(into, { traceId, spanId, traceFlags, isRemote: true });
    },
    fields: () => [header],
  };
}

/** The form that everybody sends today; the library's own reading of all forms takes several times as long. */
const usualForm = /^00-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/;

const inUsualForm = (text: string): SpanContext => ({
  traceId: text.slice(3, 35),
  spanId: text.slice(36, 52),
  traceFlags: Number.parseInt(text.slice(53), 16),
});

/** Whether these ids stand for no trace. Their form was checked where they came in (R1), or they are ours. */
const isNone = ({ traceId, spanId }: SpanContext): boolean =>
  traceId === INVALID_TRACEID || spanId === INVALID_SPANID;

/** R2 */
const idTracer: Tracer = {
  startSpan: (_name, options, parent = context.active()) => {
    const above = options?.root === true ? undefined : trace.getSpan(parent);
    return above !== undefined && !isNone(above.spanContext())
      ? above
      : trace.wrapSpanContext(newTrace());
  },
  startActiveSpan: <F extends (span: Span) => unknown>(
    name: string,
    ...rest: readonly unknown[]
  ): ReturnType<F> => {
    const work = rest.at(-1) as F; // the API has three overloads, which all end with it
    const span = idTracer.startSpan(name);
    return context.with(trace.setSpan(context.active(), span), () => work(span)) as ReturnType<F>;
  },
};

const idProvider: TracerProvider = { getTracer: () => idTracer };

const newTrace = (): SpanContext => ({
  traceId: randomHex(16),
  spanId: randomHex(8),
  traceFlags: TraceFlags.SAMPLED,
});

/** Random bytes in stock: asking the system for a few at a time costs more than all the rest of a span. */
const stock = Buffer.alloc(4096);
let taken = stock.length;

function randomHex(bytes: number): string {
  if (taken + bytes > stock.length) {
    randomFillSync(stock);
    taken = 0;
  }
  taken += bytes;
  return stock.toString("hex", taken - bytes, taken);
}
