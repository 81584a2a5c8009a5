/** What the miner's process can be told. */
import {
  type ConfigDefinition,
  interfaceSchema,
  logLevels,
  telemetrySchema,
} from "@turntable/process";
import { z } from "zod";
import { endpointForm, parseEndpoint } from "./endpoints.ts";
import { packings } from "./packing.ts";
import { parseValidator, validatorForm } from "./validators/index.ts";

const schema = z
  .object({
    dataDir: z
      .string()
      .default("./turntable-miner-data")
      .describe("folder for everything that has to survive; one miner each"),
    hotkeyFile: z.string().optional().describe("the miner's hotkey, a wallet file in JSON"),
    hotkeyPasswordFile: z
      .string()
      .optional()
      .describe(
        "password of an encrypted hotkey file or of a polkadot.js export; without it the wallet's own BT_PW_… variable is tried",
      ),
    hotkeyUri: z
      .string()
      .optional()
      .describe("a development key such as //Bob instead; anyone can make it"),
    validator: z
      .array(
        z.string().refine((text) => parseValidator(text) !== undefined, `is not ${validatorForm}`),
      )
      .default([])
      .describe(
        `a validator to work for, ${validatorForm}, beside those of the chain; it wins over the address there`,
      ),
    chain: z.object({
      endpoints: z
        .array(z.string())
        .default([])
        .describe(
          "networks by name (finney, test, local) or ws URLs, tried in turn; validators are found there",
        ),
      netuid: z.number().int().min(0).max(65535).default(17).describe("the subnet"),
      leastStakeTao: z
        .number()
        .min(0)
        .default(1_000)
        .describe("validators with less stake are not asked, TAO"),
      syncMs: z
        .number()
        .int()
        .min(1_000)
        .max(86_400_000)
        .default(1_800_000)
        .describe("between two looks at the chain"),
    }),
    generateUrl: z
      .array(
        z.string().refine((text) => parseEndpoint(text) !== undefined, `is not ${endpointForm}`),
      )
      .min(1)
      .default(["http://127.0.0.1:8094"])
      .describe(
        `a generation endpoint, asked at /generate/, ${endpointForm}: tasks at one time, time for each, tries within 24 hours`,
      ),
    packing: z
      .enum(packings)
      .default("as-is")
      .describe(`how assets are sent: ${packings.join(", ")}; validators of 2025 take spz only`),
    score: z.object({
      url: z
        .url({ protocol: /^https?$/ })
        .optional()
        .describe(
          "a validation endpoint that scores assets before they are sent, asked at /validate_txt_to_3d_ply/",
        ),
      least: z
        .number()
        .min(0)
        .max(1)
        .default(0.6)
        .describe("what scores less is generated again, with another seed, while time allows"),
      otherwise: z
        .enum(["give-back", "send"])
        .default("give-back")
        .describe("what becomes of it when time does not allow that: give-back or send"),
      timeoutMs: z
        .number()
        .int()
        .min(100)
        .default(60_000)
        .describe("after it an asset is sent without a score"),
    }),
    consentFile: z
      .string()
      .optional()
      .describe("the licence consent text; with it submissions are signed as of 2025"),
    failureCooldownMs: z
      .number()
      .int()
      .min(100)
      .default(60_000)
      .describe("a validator that fails is left alone for this long, and up to 16 times as long"),
    http: z.object({
      host: interfaceSchema("127.0.0.1").describe("interface of health and metrics"),
      port: z
        .number()
        .int()
        .min(0)
        .max(65535)
        .default(9092)
        .describe("port of health and metrics; 0 takes a free one"),
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
  .superRefine((config, context) => {
    if ((config.hotkeyFile === undefined) === (config.hotkeyUri === undefined)) {
      const message = "give this or --hotkey-uri, exactly one of them";
      context.addIssue({ code: "custom", path: ["hotkeyFile"], message });
    }
    if (config.validator.length === 0 && config.chain.endpoints.length === 0) {
      const message = "name at least one, or --chain-endpoints to find them on the chain";
      context.addIssue({ code: "custom", path: ["validator"], message });
    }
  });

export const minerConfig: ConfigDefinition<typeof schema> = {
  command: "turntable-miner",
  summary: "mines: pulls tasks from validators, has them generated, signs and submits them",
  schema,
};
