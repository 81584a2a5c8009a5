/** Commands beside the miner itself. */
import { readFileSync } from "node:fs";
import {
  asksForHelp,
  type ConfigDefinition,
  ConfigError,
  configHelp,
  endOnBrokenPipe,
  loadConfig,
} from "@turntable/process";
import type { z } from "zod";
import { MinerStoreError } from "./store/index.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Runs a command with its options, or prints its help.
 * @param run gives the exit status
 * @returns the exit status: 1 without records, 2 for a wrong command line
 */
export async function runCommand<Schema extends z.ZodObject>(
  definition: ConfigDefinition<Schema>,
  argv: readonly string[],
  env: Variables,
  run: (config: z.infer<Schema>) => Promise<number>,
): Promise<number> {
  endOnBrokenPipe();
  if (asksForHelp(argv)) {
    process.stdout.write(configHelp(definition));
    return 0;
  }
  try {
    const readFile = (path: string): string => readFileSync(path, "utf8");
    return await run(loadConfig(definition, { argv, env, readFile }));
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof MinerStoreError)) {
      throw error;
    }
    const isUsage = error instanceof ConfigError;
    for (const problem of isUsage ? error.problems : [error.message]) {
      process.stderr.write(`${definition.command}: ${problem}\n`);
    }
    return isUsage ? 2 : 1;
  }
}
