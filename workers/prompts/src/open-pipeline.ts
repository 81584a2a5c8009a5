/** The pipeline that a configuration asks for. */
import { readFile } from "node:fs/promises";
import { createRandom } from "@turntable/generation/grammar";
import type { PromptMakerConfig, PromptServiceConfig } from "./config.ts";
import { createGrammarSource, createLanguageModelSource } from "./generators/index.ts";
import { createJudge } from "./judge.ts";
import { createPipeline, type Pipeline } from "./pipeline.ts";

export async function openPipeline(
  config: PromptMakerConfig | PromptServiceConfig,
  known: Iterable<string>,
  onTrouble: (error: unknown) => void,
): Promise<Pipeline> {
  const { grammar, model, judge, filter, styles, seed } = config;
  const random = seed === undefined ? Math.random : createRandom(seed);
  const { generateUrl, scoreUrl, timeoutMs, share, leastScore } = judge;
  const apiKey =
    model.keyFile === undefined ? undefined : (await readFile(model.keyFile, "utf8")).trim();
  return createPipeline({
    sources: [
      ...(grammar ? [createGrammarSource(random)] : []),
      ...(model.url === undefined
        ? []
        : [createLanguageModelSource({ url: model.url, model: model.name, apiKey, random })]),
    ],
    limits: filter,
    judge:
      generateUrl === undefined || scoreUrl === undefined
        ? undefined
        : createJudge({ generateUrl, scoreUrl, timeoutMs }),
    judgedShare: share,
    ...{ known, leastScore, styles, random, onTrouble },
  });
}
