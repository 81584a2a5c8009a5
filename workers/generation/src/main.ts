/** The generation endpoint as a process. */
import { createLogger, runMain, startTelemetry } from "@turntable/process";
import { type GeneratorConfig, generatorConfig } from "./config.ts";
import { startGenerationEndpoint } from "./endpoint/index.ts";
import {
  createCommandEngine,
  createHttpEngine,
  type GenerationEngine,
  startProceduralEngine,
} from "./engines/index.ts";

await runMain({
  definition: generatorConfig,
  argv: process.argv.slice(2),
  env: process.env,
  gracePeriodMs: (config) => config.gracePeriodMs,
  async start(config) {
    const logger = createLogger("turntable-generator", config.log.level);
    await using stack = new AsyncDisposableStack();
    const { telemetry } = config;
    const serviceName = "turntable-generator";
    stack.use(await startTelemetry({ serviceName, config: telemetry, env: process.env, logger }));
    const endpoint = await startGenerationEndpoint({
      ...config.http,
      engine: createEngine(config.engine),
      protocolYear: config.protocolYear,
      queueCapacity: config.queue.capacity,
      timeoutMs: config.engine.timeoutMs,
      onGenerated: ({ sizeBytes, durationMs, queuePosition, unknownWords, ...event }) =>
        logger.info(
          {
            ...event,
            size_bytes: sizeBytes,
            duration_ms: Math.round(durationMs),
            queue_position: queuePosition,
            unknown_words: unknownWords,
          },
          "generated",
        ),
      onBug: (error, errorId) =>
        logger.error({ err: error, error_id: errorId }, "a request failed by a fault of ours"),
    });
    stack.use(endpoint);
    logger.info({ url: endpoint.url, engine: config.engine.kind }, "ready");
    return stack.move();
  },
});

function createEngine({
  kind,
  url,
  command,
  concurrency,
}: GeneratorConfig["engine"]): GenerationEngine {
  if (kind === "http" && url !== undefined) {
    return createHttpEngine({ url, concurrency });
  }
  if (kind === "command") {
    return createCommandEngine({ command, concurrency });
  }
  return startProceduralEngine(concurrency);
}
