/** What Kubernetes and Prometheus ask of a process: liveness, readiness, metrics. */
import {
  type HttpApp,
  type HttpServer,
  type HttpServerOptions,
  startHttpServer,
} from "./http/index.ts";
import type { Metrics } from "./metrics.ts";

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
