/** What the local subnet can be told. */
import { isSs58 } from "@turntable/bittensor/keys";
import { ruleSets } from "@turntable/coordinator/rules";
import { type ConfigDefinition, logLevels, telemetrySchema } from "@turntable/process";
import { defaultModelDir } from "@turntable/validation";
import { z } from "zod";
import { marketRoles } from "./market.ts";

const port = (meaning: string) =>
  z.number().int().min(0).max(65535).optional().describe(`${meaning}; a free one when absent`);

const ruleSetNames = Object.keys(ruleSets) as [keyof typeof ruleSets]; // the keys of a constant

/** undefined when the text is neither SS58 nor SS58:TAO. */
export function parseRegistration(
  text: string,
): { readonly hotkey: string; readonly stakeTao: number } | undefined {
  const [, hotkey = "", tao = "0"] = /^(\w+)(?::(\d{1,9}(?:\.\d{1,9})?))?$/.exec(text) ?? [];
  return isSs58(hotkey) ? { hotkey, stakeTao: Number(tao) } : undefined;
}

const schema = z
  .object({
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
      .array(
        z
          .string()
          .refine(
            (text) => parseRegistration(text) !== undefined,
            "not SS58 or SS58:TAO, e.g. 5F…:1000",
          ),
      )
      .default([])
      .describe(
        "ss58 of a hotkey to register, for a neuron that runs elsewhere; SS58:TAO gives it stake, so that it may set weights",
      ),
    rules: z
      .enum(ruleSetNames)
      .default("local")
      .describe(
        `rule set: ${ruleSetNames.join(", ")}; local has short waits, also in the chain's limits`,
      ),
    consentFile: z
      .string()
      .optional()
      .describe(
        "the licence consent text that miners of 2025 sign; without it their submissions count as wrongly signed",
      ),
    commitReveal: z
      .boolean()
      .default(false)
      .describe(
        "the subnet takes encrypted weights only, to a beacon of this chain's own: the Python SDKs encrypt to another, so that their weights would be lost",
      ),
    client: z
      .array(z.string().refine(isSs58, "not an ss58 address"))
      .default([])
      .describe("ss58 of a hotkey that may ask for assets over the axon (public API of 2024)"),
    miners: z.number().int().min(0).max(16).default(1).describe("how many miners of its own"),
    axonPort: port("port of the axon (8091 if it is free)"),
    grpcPort: port("port of the API (50051 if it is free)"),
    adminPort: port("port of the operator's API, open to this machine (50052 if it is free)"),
    httpPort: port("port of health and metrics (9090 if it is free)"),
    chainPort: z
      .number()
      .int()
      .min(0)
      .max(65535)
      .optional()
      .describe("opens the chain in memory to others on this port, as a subtensor node's JSON-RPC"),
    model: z.string().default(defaultModelDir).describe("CLIP directory to score with"),
    prompt: z
      .string()
      .default("a red cube")
      .describe("what the first task asks for; empty: no task"),
    synthetic: z
      .boolean()
      .default(false)
      .describe("keep the miners busy with prompts of resources/prompts.txt"),
    demoMarket: z
      .boolean()
      .default(false)
      .describe(
        "the miners are a good, a poor and a cheating one (at least 3); a table shows what the validator makes of them and why",
      ),
    telemetry: telemetrySchema,
    log: z.object({
      level: z
        .enum(logLevels)
        .default("warn")
        .describe(`one of ${logLevels.join(", ")}`),
    }),
  })
  .superRefine(({ demoMarket, miners }, context) => {
    if (demoMarket && miners < marketRoles.length) {
      const message = `a market needs ${marketRoles.length} at least`;
      context.addIssue({ code: "custom", path: ["miners"], message });
    }
  });

export type SubnetOptions = z.infer<typeof schema>;

export const subnetConfig: ConfigDefinition<typeof schema> = {
  command: "npm start --",
  summary: "runs the whole subnet in one process, for laptops and demonstrations",
  schema,
};
