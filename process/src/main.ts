/** How every process starts and stops. */
import { readFileSync } from "node:fs";
import type { z } from "zod";
import { endOnBrokenPipe } from "./broken-pipe.ts";
import {
  asksForHelp,
  type ConfigDefinition,
  ConfigError,
  configHelp,
  loadConfig,
} from "./config.ts";

export interface MainOptions<Schema extends z.ZodObject> {
  readonly definition: ConfigDefinition<Schema>;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** After the stop signal the process has this long to drain, in ms; then it exits hard with 1. */
  readonly gracePeriodMs: (config: z.infer<Schema>) => number;
  /** Starts everything; what it returns is disposed when the process is told to stop. */
  readonly start: (config: z.infer<Schema>, stop: StopControl) => Promise<AsyncDisposable>;
}

export interface StopControl {
  /** Aborted by SIGTERM, SIGINT or `stop`. */
  readonly signal: AbortSignal;
  /** Ends the process in order; with an error the exit status is 1. */
  stop(error?: Error): void;
}

/**
 * Loads the configuration, starts, waits for SIGTERM or SIGINT, disposes, and lets the event loop run empty.
 * Exit status: 0 after an orderly stop, 1 after a fault, 2 for a wrong configuration.
 */
export async function runMain<Schema extends z.ZodObject>(
  options: MainOptions<Schema>,
): Promise<void> {
  const { definition, argv, env } = options;
  endOnBrokenPipe();
  if (asksForHelp(argv)) {
    process.stdout.write(configHelp(definition));
    return;
  }
  let config: z.infer<Schema>;
  try {
    config = loadConfig(definition, { argv, env, readFile: (path) => readFileSync(path, "utf8") });
  } catch (error) {
    if (!(error instanceof ConfigError)) {
      throw error;
    }
    for (const problem of error.problems) {
      process.stderr.write(`${definition.command}: ${problem}\n`);
    }
    process.exitCode = 2;
    return;
  }

  const stopping = new AbortController();
  let fault: Error | undefined;
  const stop = (error?: Error): void => {
    if (stopping.signal.aborted) {
      return;
    }
    fault = error;
    stopping.abort();
    setTimeout(() => process.exit(1), options.gracePeriodMs(config)).unref();
  };
  process.on("SIGTERM", () => stop());
  process.on("SIGINT", () => stop());
  try {
    await using _running = await options
      .start(config, { signal: stopping.signal, stop })
      .catch((error: unknown) => {
        // Told to stop while it waited for something: whatever says so is no fault
        if (stopping.signal.aborted) {
          return undefined;
        }
        throw error;
      });
    await aborted(stopping.signal);
  } catch (error) {
    fault ??= error instanceof Error ? error : new Error(String(error));
    stop(fault); // whatever a failed start has left open must not keep the process
  }
  if (fault !== undefined) {
    process.stderr.write(`${definition.command}: ${fault.message}\n`);
    process.exitCode = 1;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) {
    return Promise.resolve();
  }
  // A pending promise alone does not keep Node running; what `start` opened does.
  return new Promise((resolve) =>
    signal.addEventListener("abort", () => resolve(), { once: true }),
  );
}
