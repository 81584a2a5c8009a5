/** What the generation endpoint's process can be told. */
import { type ConfigDefinition, logLevels } from "@turntable/process";
import { z } from "zod";

const schema = z.object({
  http: z.object({
    host: z.string().default("127.0.0.1").describe("interface to listen on"),
    port: z.number().int().min(0).max(65535).default(8094).describe("port; 0 takes a free one"),
  }),
  log: z.object({
    level: z
      .enum(logLevels)
      .default("info")
      .describe(`one of ${logLevels.join(", ")}`),
  }),
  gracePeriodMs: z.number().int().min(0).default(10_000).describe("after a stop signal"),
});

export const generatorConfig: ConfigDefinition<typeof schema> = {
  command: "turntable-generator",
  summary: "turns text into Gaussian splats over HTTP",
  schema,
};
