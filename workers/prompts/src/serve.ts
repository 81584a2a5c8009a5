/** `turntable-prompts serve`: makes prompts while there are too few fresh ones, and hands them out. */
import { readFile } from "node:fs/promises";
import { createMetrics, type HttpServer, type Logger, startLoop } from "@turntable/process";
import type { PromptServiceConfig } from "./config.ts";
import { openPipeline } from "./open-pipeline.ts";
import { openPool, startPromptServer } from "./service/index.ts";

/** Between two looks at how many fresh prompts there are, in ms. */
const lookMs = 1_000;
/** Draws without a new prompt before the next look. */
const dryDraws = 20;

/** Serves until it is disposed. */
export async function startPromptService(
  config: PromptServiceConfig,
  logger: Logger,
): Promise<HttpServer> {
  await using stack = new AsyncDisposableStack();
  const pool = stack.use(openPool(config.dataDir, config.capacity));
  const submitKeys =
    config.submitKeysFile === undefined
      ? []
      : linesOf(await readFile(config.submitKeysFile, "utf8"));
  let trouble: string | undefined;
  const pipeline = await openPipeline(config, pool.all(), (error) => {
    trouble = error instanceof Error ? error.message : String(error);
    logger.warn({ err: error }, "a source or an endpoint failed");
  });
  const metrics = createMetrics("turntable-prompts");
  const made = metrics.meter.createCounter("turntable_prompts_made", {
    description: "prompts that were kept, by category",
  });
  metrics.meter
    .createObservableGauge("turntable_prompts_pool", {
      description: "prompts that can be handed out",
    })
    .addCallback((result) => {
      result.observe(pool.size, { kind: "all" });
      result.observe(pool.fresh, { kind: "fresh" });
    });
  const loop = stack.use(
    startLoop({
      everyMs: lookMs,
      async run(signal) {
        for (let dry = 0; pool.fresh < config.fresh && dry < dryDraws && !signal.aborted; ) {
          const kept = await pipeline.next(signal);
          dry = pool.add(kept) === 0 ? dry + 1 : 0;
          for (const { category } of kept) {
            made.add(1, { category });
          }
          await new Promise(setImmediate); // whoever asks for prompts goes first
        }
      },
      onTrouble: (error) => logger.error({ err: error }, "no prompts could be made"),
    }),
  );
  void loop.runNow();
  const server = stack.use(
    await startPromptServer({
      ...config.http,
      ...{ pool, submitKeys, metrics },
      filters: pipeline.filters,
      getCount: config.getCount,
      hotkeys: config.hotkeys,
      notReady: () => (pool.size > 0 ? undefined : (trouble ?? "there are no prompts yet")),
      onRequest: ({ error, ...event }) => {
        if (error !== undefined) {
          logger.error({ ...event, err: error }, "request");
        } else if (event.route === "/get" || event.route === "/submit") {
          logger.info(event, "request");
        }
      },
    }),
  );
  const owned = stack.move();
  return { ...server, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function linesOf(text: string): readonly string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
