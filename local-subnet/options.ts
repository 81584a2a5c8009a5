/** What the local subnet can be told. */
import { isSs58 } from "@turntable/bittensor/keys";
import { type ConfigDefinition, logLevels, telemetrySchema } from "@turntable/process";
import { defaultModelDir } from "@turntable/validation";
import { z } from "zod";

const port = (meaning: string) =>
  z.number().int().min(0).max(65535).optional().describe(`${meaning}; a free one when absent`);

const schema = z.object({
  dir: z.string().default(".turntable").describe("folder for keys, data and pictures"),
  nats: z
    .string()
    .optional()
    .describe("a real NATS server, nats://host:port, instead of the queue in process"),
  validatorKey: z
    .string()
    .optional()
    .describe("a development key such as //Bob for the validator; otherwise a throw-away one"),
  register: z
    .array(z.string().refine(isSs58, "not an ss58 address"))
    .default([])
    .describe("ss58 of a hotkey to register, for a miner that runs elsewhere"),
  miners: z.number().int().min(0).max(16).default(1).describe("how many miners of its own"),
  axonPort: port("port of the axon (8091 if it is free)"),
  grpcPort: port("port of the API (50051 if it is free)"),
  httpPort: port("port of health and metrics (9090 if it is free)"),
  chainPort: z
    .number()
    .int()
    .min(0)
    .max(65535)
    .optional()
    .describe("opens the chain in memory to others on this port, as a subtensor node's JSON-RPC"),
  model: z.string().default(defaultModelDir).describe("CLIP directory to score with"),
  prompt: z.string().default("a red cube").describe("what the first task asks for; empty: no task"),
  synthetic: z
    .boolean()
    .default(false)
    .describe("keep the miners busy with prompts of resources/prompts.txt"),
  telemetry: telemetrySchema,
  log: z.object({
    level: z
      .enum(logLevels)
      .default("warn")
      .describe(`one of ${logLevels.join(", ")}`),
  }),
});

export type SubnetOptions = z.infer<typeof schema>;

export const subnetConfig: ConfigDefinition<typeof schema> = {
  command: "npm start --",
  summary: "runs the whole subnet in one process, for laptops and demonstrations",
  schema,
};
