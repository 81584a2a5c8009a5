/** The prompt pipeline as a process: `serve`, or `make` for a file. */
import { readFileSync } from "node:fs";
import { ready } from "@turntable/bittensor/keys";
import {
  asksForHelp,
  ConfigError,
  configHelp,
  createLogger,
  endOnBrokenPipe,
  loadConfig,
  runMain,
  startTelemetry,
} from "@turntable/process";
import { promptMakerConfig, promptServiceConfig } from "./config.ts";
import { makePrompts } from "./make.ts";
import { startPromptService } from "./serve.ts";

const usage = `turntable-prompts serve    ${promptServiceConfig.summary}
turntable-prompts make     ${promptMakerConfig.summary}

Each has a --help of its own.
`;

const [command, ...argv] = process.argv.slice(2);
switch (command) {
  case "serve":
    await serve();
    break;
  case "make":
    process.exitCode = await make();
    break;
  default:
    (asksForHelp(process.argv.slice(2)) ? process.stdout : process.stderr).write(usage);
    process.exitCode = asksForHelp(process.argv.slice(2)) ? 0 : 2;
}

function serve(): Promise<void> {
  return runMain({
    definition: promptServiceConfig,
    ...{ argv, env: process.env },
    gracePeriodMs: (config) => config.gracePeriodMs,
    async start(config) {
      await ready();
      await using stack = new AsyncDisposableStack();
      const serviceName = "turntable-prompts";
      const logger = createLogger(serviceName, config.log.level);
      const { telemetry } = config;
      stack.use(await startTelemetry({ serviceName, config: telemetry, env: process.env, logger }));
      const { url } = stack.use(await startPromptService(config, logger));
      logger.info({ url, data_dir: config.dataDir }, "ready");
      return stack.move();
    },
  });
}

async function make(): Promise<number> {
  endOnBrokenPipe();
  if (asksForHelp(argv)) {
    process.stdout.write(configHelp(promptMakerConfig));
    return 0;
  }
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort());
  process.once("SIGTERM", () => stop.abort());
  try {
    const readFile = (path: string): string => readFileSync(path, "utf8");
    const config = loadConfig(promptMakerConfig, { argv, env: process.env, readFile });
    const count = await makePrompts(config, stop.signal);
    const isShort = config.from === undefined && count < config.count;
    if (isShort && !stop.signal.aborted) {
      process.stderr.write(
        `turntable-prompts make: the sources have no more than ${count} prompts\n`,
      );
    }
    return isShort ? 1 : 0;
  } catch (error) {
    const problems =
      error instanceof ConfigError
        ? error.problems
        : [error instanceof Error ? error.message : String(error)];
    for (const problem of problems) {
      process.stderr.write(`turntable-prompts make: ${problem}\n`);
    }
    return error instanceof ConfigError ? 2 : 1;
  }
}
