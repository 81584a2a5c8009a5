export { hostAndPort, interfaceSchema } from "./address.ts";
export { endOnBrokenPipe } from "./broken-pipe.ts";
export type { CallMetricNames, CallMetrics, CallSeries } from "./call-metrics.ts";
export {
  type CertificateOptions,
  type Certificates,
  type Pems,
  type TlsFiles,
  watchCertificates,
} from "./certificates.ts";
export {
  asksForHelp,
  type ConfigDefinition,
  ConfigError,
  type ConfigOption,
  type ConfigSources,
  configHelp,
  configOptions,
  configTable,
  loadConfig,
} from "./config.ts";
export {
  compressed,
  type ErrorTable,
  type FileForm,
  formFor,
  type HttpApp,
  type HttpContext,
  HttpError,
  type HttpRequestEvent,
  type HttpServer,
  type HttpServerOptions,
  type HttpTls,
  InternalHttpError,
  isKnown,
  readFolder,
  type ServedFile,
  servedFile,
  startHttpServer,
} from "./http/index.ts";
export { createLogger, type Logger, type LogLevel, logLevels } from "./logger.ts";
export { type Loop, type LoopOptions, startLoop } from "./loop.ts";
export { type MainOptions, runMain, type StopControl } from "./main.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
export { type StatusServerOptions, startStatusServer } from "./status-server.ts";
export {
  activeTraceparent,
  contextOf,
  inSpan,
  registerTracing,
  type SpanSettings,
  setHttpStatus,
  startTelemetry,
  type TelemetryOptions,
  telemetrySchema,
} from "./telemetry/index.ts";
export {
  createWorkQueue,
  type Entered,
  QueueFullError,
  type WorkQueue,
  type WorkQueueOptions,
} from "./work-queue.ts";
