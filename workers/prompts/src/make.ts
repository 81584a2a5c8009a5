/** `turntable-prompts make`: a file of prompts, from the sources or out of a file of drafts. */
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { rename, stat, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { finished } from "node:stream/promises";
import type { PromptMakerConfig } from "./config.ts";
import { createFilters } from "./filters/index.ts";
import { openPipeline } from "./open-pipeline.ts";
import { createProgress } from "./progress.ts";
import { createStatistics, describeStatistics, type Statistics } from "./statistics.ts";

/** So many draws in a row without a new prompt mean that the sources have no more. */
const dryDraws = 500;

/** @returns how many prompts were written. @throws an Error that says why nothing could be read or written */
export async function makePrompts(config: PromptMakerConfig, signal: AbortSignal): Promise<number> {
  const partial = `${config.out}.part`;
  const out = createWriteStream(partial);
  const written = finished(out);
  written.catch(() => undefined); // it is told by the write that meets it
  let count = 0;
  const write = async (prompt: string): Promise<void> => {
    count++;
    if (!out.write(`${prompt}\n`)) {
      await Promise.race([once(out, "drain"), written]);
    }
  };
  const statistics =
    config.from === undefined
      ? await fromSources(config, write, () => count, signal)
      : await fromFile(config.from, config, write, signal);
  out.end();
  await written;
  await rename(partial, config.out);
  const byCategory = statistics.byCategory();
  process.stderr.write(`${count} prompts in ${config.out}\n\n${describeStatistics(byCategory)}`);
  if (config.statistics !== undefined) {
    const { seed, filter, styles } = config;
    const facts = {
      prompts: count,
      seed,
      filter,
      styles,
      categories: Object.fromEntries(byCategory),
    };
    await writeFile(config.statistics, `${JSON.stringify(facts, undefined, 2)}\n`);
  }
  return count;
}

async function fromSources(
  config: PromptMakerConfig,
  write: (prompt: string) => Promise<void>,
  written: () => number,
  signal: AbortSignal,
): Promise<Statistics> {
  const pipeline = await openPipeline(config, [], (error) =>
    process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`),
  );
  using progress = createProgress(process.stderr, config.count);
  for (let dry = 0; written() < config.count && dry < dryDraws && !signal.aborted; ) {
    const kept = await pipeline.next(signal);
    dry = kept.length === 0 ? dry + 1 : 0;
    for (const { prompt } of kept.slice(0, config.count - written())) {
      await write(prompt);
    }
    progress.at(written());
  }
  return pipeline.statistics;
}

async function fromFile(
  file: string,
  { filter }: PromptMakerConfig,
  write: (prompt: string) => Promise<void>,
  signal: AbortSignal,
): Promise<Statistics> {
  const { size } = await stat(file);
  const statistics = createStatistics();
  const filters = createFilters(filter);
  using progress = createProgress(process.stderr, size);
  const input = createReadStream(file);
  for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (signal.aborted) {
      break;
    }
    const filtered = filters.take(line);
    statistics.count("file", "drafted");
    statistics.count("file", filtered.kind === "kept" ? "kept" : filtered.why);
    if (filtered.kind === "kept") {
      await write(filtered.prompt);
    }
    progress.at(input.bytesRead);
  }
  return statistics;
}
