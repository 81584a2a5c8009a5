/**
 * Tracing of a process. The SDK and its exporter are loaded only when there is somewhere to send spans to.
 *
 * T1 A collector that is away or slow costs nothing but its spans: they wait in a bounded line, and one log line says
 *    so, another that it is back.
 * T2 Disposing sends what there is, for `flushMs` at most.
 */
import { z } from "zod";
import type { Logger } from "../logger.ts";
import { registerTracing } from "./tracing.ts";

/** The group `telemetry` of each process's configuration. */
export const telemetrySchema = z.object({
  endpoint: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      "OTLP/HTTP collector that spans are sent to, for example http://127.0.0.1:4318; else OTEL_EXPORTER_OTLP_ENDPOINT, else nowhere",
    ),
});

export interface TelemetryOptions {
  /** `service.name`, unless OTEL_SERVICE_NAME has another. */
  readonly serviceName: string;
  readonly version?: string;
  readonly config: z.infer<typeof telemetrySchema>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
}

/** Registers tracing for the whole process; started first and disposed last. */
export async function startTelemetry(options: TelemetryOptions): Promise<AsyncDisposable> {
  const { config, env } = options;
  const isSent =
    config.endpoint !== undefined ||
    Boolean(env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT);
  const isOff =
    env.OTEL_SDK_DISABLED?.toLowerCase() === "true" || env.OTEL_TRACES_EXPORTER === "none";
  if (!isSent || isOff) {
    const registered = registerTracing();
    return { [Symbol.asyncDispose]: async () => registered[Symbol.dispose]() };
  }
  const { startExporting } = await import("./exporting.ts");
  return startExporting(options);
}
