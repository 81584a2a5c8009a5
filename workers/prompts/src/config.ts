/** What the prompt service and the batch command can be told. */
import { isSs58 } from "@turntable/bittensor/keys";
import {
  type ConfigDefinition,
  interfaceSchema,
  logLevels,
  telemetrySchema,
} from "@turntable/process";
import { z } from "zod";
import { defaultFilterLimits } from "./filters/index.ts";

const count = (fallback: number, least = 1, most = 2 ** 31 - 1) =>
  z.number().int().min(least).max(most).default(fallback);

/** Where prompts come from, and what is asked of them. */
const pipelineShape = {
  grammar: z
    .boolean()
    .default(true)
    .describe("prompts of the engine's grammar, which the built-in model can judge"),
  model: z.object({
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe("a language model's OpenAI-compatible endpoint, http://host:8000/v1"),
    name: z.string().default("default").describe("the model's name there"),
    keyFile: z.string().optional().describe("file with the endpoint's key"),
  }),
  seed: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe("the same prompts each time, as far as the sources allow; drawn when absent"),
  filter: z.object({
    mostWords: count(defaultFilterLimits.mostWords).describe("words of a prompt"),
    mostChars: count(defaultFilterLimits.mostChars).describe("characters of a prompt"),
    leastChars: count(defaultFilterLimits.leastChars).describe("characters of a prompt"),
    remembered: count(defaultFilterLimits.remembered, 1, 10_000_000).describe(
      "prompts that near-duplicates are looked for among, about 180 bytes each",
    ),
  }),
  styles: count(0, 0, 12).describe("variants of each prompt in other styles"),
  judge: z.object({
    generateUrl: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe(
        "a generation endpoint; with --judge-score-url prompts are tried before they are kept",
      ),
    scoreUrl: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe("a validation endpoint"),
    share: z.number().min(0).max(1).default(1).describe("share of the prompts that are tried"),
    leastScore: z.number().min(0).max(1).default(0.6).describe("what scores less is dropped"),
    timeoutMs: count(300_000, 100).describe("for generating, and again for scoring"),
  }),
};

interface PipelineConfig {
  readonly grammar: boolean;
  readonly model: { readonly url?: string | undefined };
  readonly judge: {
    readonly generateUrl?: string | undefined;
    readonly scoreUrl?: string | undefined;
  };
}

function checkPipeline(
  { grammar, model, judge }: PipelineConfig,
  context: z.RefinementCtx,
  hasFile = false,
): void {
  if (!(grammar || model.url !== undefined || hasFile)) {
    const message = "without the grammar a language model is needed, --model-url";
    context.addIssue({ code: "custom", path: ["grammar"], message });
  }
  if ((judge.generateUrl === undefined) !== (judge.scoreUrl === undefined)) {
    const message = "give both --judge-generate-url and --judge-score-url, or neither";
    context.addIssue({ code: "custom", path: ["judge", "generateUrl"], message });
  }
}

const logShape = {
  log: z.object({
    level: z
      .enum(logLevels)
      .default("info")
      .describe(`one of ${logLevels.join(", ")}`),
  }),
};

const serveSchema = z
  .object({
    dataDir: z
      .string()
      .default("./turntable-prompts-data")
      .describe("folder of the prompts that are handed out"),
    capacity: count(100_000).describe("prompts that are kept at most"),
    fresh: count(5_000).describe("more are made while fewer than this were never handed out"),
    getCount: count(1_000, 1, 10_000).describe("prompts of one answer"),
    hotkeys: z
      .array(z.string().refine(isSs58, "not an ss58 address"))
      .default([])
      .describe("ss58 of a hotkey that gets prompts; without any everybody who signs"),
    submitKeysFile: z
      .string()
      .optional()
      .describe("keys that may submit prompts, one a line; without it nobody may"),
    http: z.object({
      host: interfaceSchema("127.0.0.1").describe("interface of the service"),
      port: z
        .number()
        .int()
        .min(0)
        .max(65535)
        .default(8095)
        .describe("port of the service; 0 takes a free one"),
    }),
    ...pipelineShape,
    telemetry: telemetrySchema,
    ...logShape,
    gracePeriodMs: count(10_000, 0).describe("after a stop signal"),
  })
  .superRefine((config, context) => checkPipeline(config, context));

export const promptServiceConfig: ConfigDefinition<typeof serveSchema> = {
  command: "turntable-prompts serve",
  summary: "makes prompts all the time and hands them out to validators",
  schema: serveSchema,
};

const makeSchema = z
  .object({
    count: count(20_000).describe("how many prompts"),
    out: z.string().default("prompts.txt").describe("file for the prompts, one a line"),
    statistics: z.string().optional().describe("file for the statistics, as JSON"),
    from: z
      .string()
      .optional()
      .describe("a file of drafts, one a line, instead of the sources: it is cleaned and filtered"),
    ...pipelineShape,
    ...logShape,
  })
  .superRefine((config, context) => checkPipeline(config, context, config.from !== undefined));

export const promptMakerConfig: ConfigDefinition<typeof makeSchema> = {
  command: "turntable-prompts make",
  summary: "makes a file of prompts, with a progress bar and statistics",
  schema: makeSchema,
};

export type PromptServiceConfig = z.infer<typeof serveSchema>;
export type PromptMakerConfig = z.infer<typeof makeSchema>;
