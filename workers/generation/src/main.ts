/** The generation endpoint as a process. */
import { createLogger, runMain } from "@turntable/process";
import { generatorConfig } from "./config.ts";
import { startGenerationEndpoint } from "./endpoint.ts";

await runMain({
  definition: generatorConfig,
  argv: process.argv.slice(2),
  env: process.env,
  gracePeriodMs: (config) => config.gracePeriodMs,
  async start(config) {
    const logger = createLogger("turntable-generator", config.log.level);
    const endpoint = await startGenerationEndpoint({
      ...config.http,
      onGenerated: ({ sizeBytes, durationMs, unknownWords, ...event }) =>
        logger.info(
          {
            ...event,
            size_bytes: sizeBytes,
            duration_ms: Math.round(durationMs),
            unknown_words: unknownWords,
          },
          "generated",
        ),
    });
    logger.info({ url: endpoint.url }, "ready");
    return endpoint;
  },
});
