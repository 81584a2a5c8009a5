/** What Kubernetes and Prometheus ask of a process: liveness, readiness, metrics. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Meter } from "@opentelemetry/api";
import { PrometheusExporter } from "@opentelemetry/exporter-prometheus";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider } from "@opentelemetry/sdk-metrics";

export interface Metrics {
  readonly meter: Meter;
  /** Answers with the Prometheus text format. */
  handle(request: IncomingMessage, response: ServerResponse): void;
}

/** One a process: OpenTelemetry instruments, read by Prometheus. */
export function createMetrics(serviceName: string): Metrics {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const provider = new MeterProvider({
    resource: resourceFromAttributes({ "service.name": serviceName }),
    readers: [exporter],
  });
  return {
    meter: provider.getMeter(serviceName),
    handle: (request, response) => exporter.getMetricsRequestHandler(request, response),
  };
}

export interface StatusServerOptions {
  /** Interface to listen on. */
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly metrics: Metrics;
  /** Why the process is not ready, or undefined when it is. */
  readonly notReady: () => string | undefined;
  /** More routes of the process, tried first; true when it answered. */
  readonly route?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

export interface StatusServer extends AsyncDisposable {
  readonly port: number;
}

/** Serves `/livez`, `/readyz` and `/metrics`. */
export async function startStatusServer(options: StatusServerOptions): Promise<StatusServer> {
  const server = createServer((request, response) => {
    if (options.route?.(request, response)) return;
    const path = request.url?.split("?")[0];
    if (request.method !== "GET" && request.method !== "HEAD")
      return answer(response, 405, "GET only");
    if (path === "/livez") return answer(response, 200, "ok");
    if (path === "/metrics") return options.metrics.handle(request, response);
    if (path === "/readyz") {
      const reason = options.notReady();
      return answer(response, reason === undefined ? 200 : 503, reason ?? "ok");
    }
    answer(response, 404, "this port serves /livez, /readyz and /metrics");
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port, // a listening TCP server has one
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}
