/** What Kubernetes and Prometheus ask of a process: liveness, readiness, metrics. */
import type { Meter } from "@opentelemetry/api";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AggregationType, MeterProvider } from "@opentelemetry/sdk-metrics";
import {
  answeredAlready,
  type HttpApp,
  type HttpContext,
  type HttpServer,
  type HttpServerOptions,
  startHttpServer,
} from "./http/index.ts";

export interface Metrics {
  readonly meter: Meter;
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

/** One a process: OpenTelemetry instruments, read by Prometheus. Histograms whose name ends in `_seconds` are durations. */
export function createMetrics(serviceName: string): Metrics {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ "service.name": serviceName }),
    readers: [exporter],
    views: [
      {
        instrumentName: "*_seconds",
        aggregation: {
          type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM,
          options: { boundaries: durationBuckets },
        },
      },
    ],
  });
  return {
    meter: provider.getMeter(serviceName),
    handle({ env: { incoming, outgoing } }) {
      exporter.getMetricsRequestHandler(incoming, outgoing);
      return answeredAlready;
    },
  };
}

export interface StatusServerOptions
  extends Pick<HttpServerOptions<unknown>, "maxBodyBytes" | "spanOf" | "drainMs" | "tls"> {
  /** Interface to listen on. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly metrics: Metrics;
  /** Why the process is not ready, or undefined when it is. */
  readonly notReady: () => string | undefined;
  /** Attaches what else the process serves. */
  readonly routes?: (app: HttpApp) => void;
}

/** What a kubelet asks for: it checks no certificate, and has none. */
const probes = ["/livez", "/readyz"];

/** Serves `/livez`, `/readyz` and `/metrics`; a stop is not held up by those who ask. */
export function startStatusServer({
  metrics,
  notReady,
  routes,
  ...options
}: StatusServerOptions): Promise<HttpServer> {
  return startHttpServer({
    drainMs: 0,
    openRoutes: probes,
    failureBody: ({ message }) => message,
    ...options,
    routes(app) {
      app.get("/livez", (context) => context.text("ok\n"));
      app.get("/readyz", (context) => {
        const reason = notReady();
        return context.text(`${reason ?? "ok"}\n`, reason === undefined ? 200 : 503);
      });
      app.get("/metrics", (context) => metrics.handle(context));
      routes?.(app);
    },
  });
}
