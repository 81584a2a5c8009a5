/** Options that one-shot commands share with the processes: one schema, so one meaning, limit and variable for both. */
import { type ConfigDefinition, ConfigError, configOptions, loadConfig } from "@turntable/process";
import type { z } from "zod";
import type { Environment } from "../gpu/index.ts";
import { UsageError } from "./arguments.ts";

/**
 * What the flags in `values` and the schema's variables say together.
 * @throws UsageError
 */
export function parseAsConfig<Schema extends z.ZodObject>(
  schema: Schema,
  values: Readonly<Record<string, unknown>>,
  env: Environment,
): z.infer<Schema> {
  const options = configOptions(schema);
  const argv = options.flatMap(({ flag }) => {
    const value = values[flag.slice("--".length)];
    return value === undefined ? [] : [`${flag}=${String(value)}`];
  });
  const own = Object.fromEntries(options.map(({ variable }) => [variable, env[variable]]));
  const definition: ConfigDefinition<Schema> = { command: "", summary: "", schema };
  try {
    return loadConfig(definition, { argv, env: own, readFile: noFile });
  } catch (error) {
    if (error instanceof ConfigError) {
      throw new UsageError(error.problems.join("; "));
    }
    throw error;
  }
}

/** One-shot commands take no configuration file. */
function noFile(path: string): string {
  throw new TypeError(`${path} was not asked for`);
}
