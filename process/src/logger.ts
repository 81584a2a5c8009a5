import pino from "pino";
import { traceFields } from "./telemetry/tracing.ts";

export type Logger = pino.Logger;
export const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** The part of a time that is the same for a second, which is dear to print. */
let second = { number: Number.NaN, text: "" };

/** The time of a line, as pino wants it. */
function isoTime(): string {
  const now = Date.now();
  const number = Math.floor(now / 1_000);
  if (number !== second.number) {
    second = { number, text: `,"time":"${new Date(now).toISOString().slice(0, -"000Z".length)}` };
  }
  return `${second.text}${String(now - number * 1_000).padStart(3, "0")}Z"`;
}

/** JSON lines with ISO time and the active trace's id on standard output, or wherever `destination` points. */
export function createLogger(
  name: string,
  level: LogLevel,
  destination?: pino.DestinationStream,
): Logger {
  const options = {
    name,
    level,
    timestamp: isoTime,
    mixin: traceFields,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
