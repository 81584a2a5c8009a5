/** Metrics of a process, as Prometheus reads them. */
import type { Meter } from "@opentelemetry/api";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AggregationType, InstrumentType, MeterProvider } from "@opentelemetry/sdk-metrics";
import { type CallMetricNames, type CallMetrics, createCallMeter } from "./call-metrics.ts";
import { answeredAlready, type HttpContext } from "./http/index.ts";
import { observeProcess } from "./process-metrics.ts";

export interface Metrics {
  readonly meter: Meter;
  /** Counter and durations of calls, for what happens too often for instruments of `meter`. */
  createCallMetrics(names: CallMetricNames): CallMetrics;
  /** Answers with the Prometheus text format. */
  handle(context: Pick<HttpContext, "env">): Response;
}

/**
 * Bounds of the buckets of every duration, in seconds: from a call's milliseconds to the minutes of a generation. The
 * SDK's own are meant for milliseconds, and would put all of ours into one bucket.
 */
const durationBuckets = [
  ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
  ...[1, 2.5, 5, 10, 30, 60, 120, 300, 600],
];

/**
 * One a process: OpenTelemetry instruments, read by Prometheus, with those of the process itself. Histograms whose name
 * ends in `_seconds` are durations.
 */
export function createMetrics(serviceName: string): Metrics {
  const calls = createCallMeter(serviceName, durationBuckets);
  const exporter = new PrometheusExporter({
    preventServerStart: true,
    metricProducers: [calls.producer],
  });
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ "service.name": serviceName }),
    readers: [exporter],
    views: [
      {
        instrumentName: "*_seconds",
        instrumentType: InstrumentType.HISTOGRAM, // a gauge of seconds stays one
        aggregation: {
          type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
          options: { boundaries: durationBuckets },
        },
      },
    ],
  });
  const meter = provider.getMeter(serviceName);
  observeProcess(meter);
  return {
    meter,
    createCallMetrics: calls.create,
    handle({ env: { incoming, outgoing } }) {
      exporter.getMetricsRequestHandler(incoming, outgoing);
      return answeredAlready;
    },
  };
}
