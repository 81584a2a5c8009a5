/** OpenTelemetry's SDK with an OTLP/HTTP exporter, set by the standard's own variables. Invariants: `telemetry.ts`. */
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { setTimeout as wait } from "node:timers/promises";
import { ExportResultCode, setGlobalErrorHandler } from "@opentelemetry/core";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Logger } from "../logger.ts";
import type { TelemetryOptions } from "./telemetry.ts";
import { registerTracing } from "./tracing.ts";

type Environment = TelemetryOptions["env"];

/** Longest wait for the last spans at the end of a process (T2), in ms; grace periods are 10 s and longer. */
const flushMs = 2_000;
/** Longest time of one export with its repetitions, in ms, when OTEL_EXPORTER_OTLP_TIMEOUT sets no other. */
const exportTimeoutMs = 5_000;

/** As `startTelemetry`, with an exporter. @throws Error for an endpoint that is no URL */
export function startExporting(options: TelemetryOptions): AsyncDisposable {
  const { config, env, logger, serviceName, version } = options;
  checkVariables(env, logger);
  const agents: (HttpAgent | HttpsAgent)[] = [];
  const exporter = new OTLPTraceExporter({
    url: tracesUrl(config.endpoint, env),
    timeoutMillis: exportTimeout(env),
    httpAgentOptions: (protocol) => {
      const agent = new (protocol === "https:" ? HttpsAgent : HttpAgent)({ keepAlive: true });
      agents.push(agent);
      return agent;
    },
  });
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(
        resourceFromAttributes({
          "service.name": serviceName,
          ...(version === undefined ? {} : { "service.version": version }),
        }),
      )
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(env),
    spanProcessors: [
      new BatchSpanProcessor({ exporter: watched(exporter, logger), ...batching(env) }),
    ],
  });
  // What an export failed of is told by `watched`, once.
  setGlobalErrorHandler(() => undefined);
  const registered = registerTracing(provider);
  return {
    async [Symbol.asyncDispose]() {
      registered[Symbol.dispose]();
      const patience = new AbortController();
      await Promise.race([
        provider.shutdown().catch(() => undefined),
        wait(flushMs, undefined, { signal: patience.signal }).catch(() => undefined),
      ]);
      patience.abort();
      // A collector that never answers must not keep the process.
      for (const agent of agents) {
        agent.destroy();
      }
    },
  };
}

/** Our own option names the collector, as OTEL_EXPORTER_OTLP_ENDPOINT does; the variable for traces a whole path. */
function tracesUrl(endpoint: string | undefined, env: Environment): string {
  const whole = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT;
  if (endpoint === undefined && whole) {
    return whole;
  }
  const collector = endpoint ?? env.OTEL_EXPORTER_OTLP_ENDPOINT ?? "";
  return `${collector.replace(/\/+$/, "")}/v1/traces`;
}

/** The variables are the standard's, so the configuration has not checked them. */
function checkVariables(env: Environment, logger: Logger): void {
  for (const name of ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"]) {
    const value = env[name] ?? "";
    if (value !== "" && !(/^https?:\/\//.test(value) && URL.canParse(value))) {
      throw new Error(`${name}: "${value}" is no URL; write it as http://127.0.0.1:4318`);
    }
  }
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? env.OTEL_EXPORTER_OTLP_PROTOCOL;
  if (protocol !== undefined && protocol !== "http/protobuf") {
    logger.warn(
      { protocol },
      "spans are sent by http/protobuf, whatever OTEL_EXPORTER_OTLP_PROTOCOL says",
    );
  }
}

function exportTimeout(env: Environment): number {
  return (
    positive(env.OTEL_EXPORTER_OTLP_TRACES_TIMEOUT) ??
    positive(env.OTEL_EXPORTER_OTLP_TIMEOUT) ??
    exportTimeoutMs
  );
}

/** What is no whole number above 0 counts as absent, as the standard asks for. */
function positive(text: string | undefined): number | undefined {
  const value = Number(text || Number.NaN);
  return Number.isInteger(value) && value > 0 ? value : undefined;
}

/** T1 */
function watched(exporter: SpanExporter, logger: Logger): SpanExporter {
  let isAway = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = result.code !== ExportResultCode.SUCCESS;
        if (failed && !isAway) {
          logger.warn(
            { reason: result.error?.message },
            "spans cannot be sent and are dropped; everything else goes on",
          );
        }
        if (!failed && isAway) {
          logger.info("spans are sent again");
        }
        isAway = failed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
  };
}

/** The names of OTEL_TRACES_SAMPLER; one that is not known counts as absent. */
function samplerOf(env: Environment): Sampler {
  const ratio = (): Sampler => {
    const share = Number(env.OTEL_TRACES_SAMPLER_ARG || 1);
    return new TraceIdRatioBasedSampler(share >= 0 && share <= 1 ? share : 1);
  };
  switch (env.OTEL_TRACES_SAMPLER) {
    case "always_on":
      return new AlwaysOnSampler();
    case "always_off":
      return new AlwaysOffSampler();
    case "traceidratio":
      return ratio();
    case "parentbased_always_off":
      return new ParentBasedSampler({ root: new AlwaysOffSampler() });
    case "parentbased_traceidratio":
      return new ParentBasedSampler({ root: ratio() });
    default:
      return new ParentBasedSampler({ root: new AlwaysOnSampler() });
  }
}

function batching(env: Environment) {
  const set = {
    scheduledDelayMillis: positive(env.OTEL_BSP_SCHEDULE_DELAY),
    exportTimeoutMillis: positive(env.OTEL_BSP_EXPORT_TIMEOUT),
    maxQueueSize: positive(env.OTEL_BSP_MAX_QUEUE_SIZE),
    maxExportBatchSize: positive(env.OTEL_BSP_MAX_EXPORT_BATCH_SIZE),
  };
  return Object.fromEntries(Object.entries(set).filter(([, value]) => value !== undefined));
}
