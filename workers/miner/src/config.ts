/** What the miner's process can be told. */
import {
  type ConfigDefinition,
  interfaceSchema,
  logLevels,
  telemetrySchema,
} from "@turntable/process";
import { z } from "zod";
import { packings } from "./packing.ts";
import { parseValidator } from "./validators.ts";

const schema = z
  .object({
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
      .array(z.string().refine((text) => parseValidator(text) !== undefined, "not IP:PORT:HOTKEY"))
      .min(1, "name at least one")
      .describe("a validator to work for, IP:PORT:HOTKEY"),
    generateUrl: z
      .array(z.url({ protocol: /^https?$/ }))
      .min(1)
      .default(["http://127.0.0.1:8094"])
      .describe("a generation endpoint, asked at /generate/; several work on one task each"),
    packing: z
      .enum(packings)
      .default("as-is")
      .describe(`how assets are sent: ${packings.join(", ")}; validators of 2025 take spz only`),
    consentFile: z
      .string()
      .optional()
      .describe("the licence consent text; with it submissions are signed as of 2025"),
    failureCooldownMs: z
      .number()
      .int()
      .min(100)
      .default(60_000)
      .describe("a validator that fails is left alone for this long"),
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
  });

export const minerConfig: ConfigDefinition<typeof schema> = {
  command: "turntable-miner",
  summary: "mines: pulls tasks from validators, has them generated, signs and submits them",
  schema,
};
