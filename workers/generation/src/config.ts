/** What the generation endpoint's process can be told. */
import {
  type ConfigDefinition,
  interfaceSchema,
  logLevels,
  telemetrySchema,
} from "@turntable/process";
import { z } from "zod";
import { defaultQueueCapacity, defaultTimeoutMs, protocolYears } from "./endpoint/index.ts";

const schema = z
  .object({
    http: z.object({
      host: interfaceSchema("127.0.0.1").describe("interface to listen on"),
      port: z.number().int().min(0).max(65535).default(8094).describe("port; 0 takes a free one"),
    }),
    engine: z.object({
      kind: z
        .enum(["procedural", "http", "command"])
        .default("procedural")
        .describe("the engine: procedural, http (another generator) or command (a program)"),
      url: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe("of the other generator; without a path it is asked at /generate_raw/"),
      command: z
        .array(z.string())
        .default([])
        .describe("program and arguments; {prompt}, {seed}, {splats}, {format} are replaced"),
      concurrency: z.number().int().min(1).max(64).default(1).describe("prompts at a time"),
      timeoutMs: z
        .number()
        .int()
        .min(100)
        .default(defaultTimeoutMs)
        .describe("longest time for one asset"),
    }),
    protocolYear: z
      .enum(protocolYears)
      .default("2024")
      .describe(
        "what /generate/ answers: base64 text for miner neurons of 2024, the asset's bytes for those of 2025; our miner takes both",
      ),
    queue: z.object({
      capacity: z
        .number()
        .int()
        .min(0)
        .max(10_000)
        .default(defaultQueueCapacity)
        .describe("requests that may wait; one more is answered 503"),
    }),
    telemetry: telemetrySchema,
    log: z.object({
      level: z
        .enum(logLevels)
        .default("info")
        .describe(`one of ${logLevels.join(", ")}`),
    }),
    gracePeriodMs: z.number().int().min(0).default(10_000).describe("after a stop signal"),
  })
  .superRefine(({ engine }, context) => {
    if (engine.kind === "http" && engine.url === undefined) {
      context.addIssue({
        code: "custom",
        path: ["engine", "url"],
        message: "the engine http needs it",
      });
    }
    if (engine.kind === "command" && engine.command.length === 0) {
      context.addIssue({
        code: "custom",
        path: ["engine", "command"],
        message: "the engine command needs it",
      });
    }
  });

export const generatorConfig: ConfigDefinition<typeof schema> = {
  command: "turntable-generator",
  summary: "turns text into Gaussian splats over HTTP",
  schema,
};

export type GeneratorConfig = z.infer<typeof schema>;
