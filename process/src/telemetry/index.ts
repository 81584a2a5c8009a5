export { startTelemetry, type TelemetryOptions, telemetrySchema } from "./telemetry.ts";
export {
  activeTraceparent,
  contextOf,
  inSpan,
  registerTracing,
  type SpanSettings,
  setHttpStatus,
} from "./tracing.ts";
