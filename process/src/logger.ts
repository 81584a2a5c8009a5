import pino from "pino";
import { traceFields } from "./telemetry/tracing.ts";

export type Logger = pino.Logger;
export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** JSON lines with ISO time and the active trace's id on standard output, or wherever `destination` points. */
export function createLogger(
  name: string,
  level: LogLevel,
  destination?: pino.DestinationStream,
): Logger {
  const options = {
    name,
    level,
    timestamp: pino.stdTimeFunctions.isoTime,
    mixin: traceFields,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
