/** What the coordinator process can be told, option by option. */
import { isIP } from "node:net";
import { isSs58 } from "@turntable/bittensor/keys";
import { natsQueueSchema } from "@turntable/bus/config";
import { interfaceSchema, logLevels, telemetrySchema } from "@turntable/process";
import { z } from "zod";
import { defaultConnectionAgeMs, defaultMaxDownloads, defaultStalledMs } from "./api/index.ts";
import { defaultAudits } from "./audits/index.ts";
import { axonLimitOptions, defaultSubmissionBytes } from "./axon/index.ts";
import { defaultDispatchTries } from "./dispatch/index.ts";
import { defaultLimits } from "./intake.ts";
import { defaultPageLimits } from "./page-side.ts";
import { defaultRetention } from "./retention/index.ts";
import { ruleSets } from "./rules/index.ts";
import { defaultStorage } from "./storage/index.ts";
import { defaultDuplicateLimits } from "./submissions/index.ts";

const port = (fallback: number, meaning: string) =>
  z.number().int().min(0).max(65535).default(fallback).describe(`${meaning}; 0 takes a free one`);
/** Stands for a chain that lives in the coordinator. */
export const chainInMemory = "memory";
const mebibyte = 1024 * 1024;
const tlsOptions = (of: string) => ({
  tlsCertFile: z
    .string()
    .optional()
    .describe(`certificate of ${of}, PEM; read again when it changes. Without it there is no TLS`),
  tlsKeyFile: z.string().optional().describe("its key, PEM"),
  tlsClientCaFile: z
    .string()
    .optional()
    .describe("authorities of clients' certificates, PEM: nobody without one may connect"),
});

export const dayMs = 24 * 3_600_000;
const days = (fallbackMs: number, meaning: string) =>
  z
    .number()
    .min(0)
    .max(36_500)
    .default(fallbackMs / dayMs)
    .describe(meaning);

const axonPlaceForm = "NETUID:PORT:HOTKEY_FILE";

/** Parses an extra axon as the configuration writes it; undefined when the text has another form. */
export function parseAxonPlace(
  text: string,
): { readonly netuid: number; readonly port: number; readonly hotkeyFile: string } | undefined {
  const [, netuid, port, hotkeyFile] = /^(\d{1,5}):(\d{1,5}):(.+)$/.exec(text) ?? [];
  if (hotkeyFile === undefined || Number(netuid) > 65535 || Number(port) > 65535) {
    return undefined;
  }
  return { netuid: Number(netuid), port: Number(port), hotkeyFile };
}

const ruleSetNames = Object.keys(ruleSets) as [keyof typeof ruleSets]; // the keys of a constant

/** Each option alone; what they say together is judged in config.ts. */
export const options = z.object({
  dataDir: z
    .string()
    .default("./turntable-data")
    .describe("folder for everything that has to survive; one coordinator each"),
  rules: z
    .enum(ruleSetNames)
    .default("seed")
    .describe(`rule set: ${ruleSetNames.join(", ")}`),
  rulesFile: z
    .string()
    .optional()
    .describe("JSON file with numbers that replace those of the rule set"),
  hotkeyFile: z.string().optional().describe("the validator's hotkey, a wallet file in JSON"),
  hotkeyPasswordFile: z
    .string()
    .optional()
    .describe(
      "password of an encrypted hotkey file or of a polkadot.js export; without it the wallet's own BT_PW_… variable is tried",
    ),
  hotkeyUri: z
    .string()
    .optional()
    .describe("a development key such as //Alice instead; anyone can make it"),
  chain: z.object({
    endpoints: z
      .array(z.string())
      .min(1)
      .default([chainInMemory])
      .describe(
        "networks by name (finney, test, local) or ws URLs, tried in turn; `memory` keeps a chain of its own, for trying things out",
      ),
    netuid: z.number().int().min(0).default(17).describe("the subnet"),
    register: z
      .array(z.string().refine(isSs58, "not an ss58 address"))
      .default([])
      .describe("ss58 of a hotkey that is registered on the chain in memory"),
  }),
  nats: natsQueueSchema,
  standby: z.object({
    enabled: z
      .boolean()
      .default(false)
      .describe(
        "stand by for other coordinators of the same hotkey over NATS: one leads, the others follow its state and take over",
      ),
    name: z
      .string()
      .min(1)
      .max(128)
      .optional()
      .describe("of this one in the lease and in logs; without it the machine's name"),
    leaseMs: z
      .number()
      .int()
      .min(1_000)
      .max(60_000)
      .default(10_000)
      .describe("who has not renewed its lease for so long is taken for lost; the same for all"),
    begin: z
      .boolean()
      .default(false)
      .describe(
        "once, after NATS has lost all or with a backup: what is in this data directory holds, and the others are restored from it",
      ),
  }),
  api: z.object({
    enabled: z
      .boolean()
      .default(false)
      .describe("serve the public API; without it miners alone are served"),
    keysNeeded: z
      .boolean()
      .default(false)
      .describe(
        "nobody calls without an API key, on loopback either (behind a proxy, say); elsewhere and with a file of keys that is so anyway",
      ),
    wallets: z
      .array(z.string().refine(isSs58, "not an ss58 address"))
      .default([])
      .describe("ss58 of a hotkey that may call by its signature (btauth/1), without an API key"),
    walletStakeTao: z
      .number()
      .min(0.000_000_001)
      .optional()
      .describe("hotkeys with so much stake on our subnets may, too, TAO; none when absent"),
    corsOrigins: z
      .array(
        z
          .string()
          .refine(
            (text) => text === "*" || (URL.canParse(text) && new URL(text).origin === text),
            "is no origin, https://example.com; or *",
          ),
      )
      .default([])
      .describe("origin of pages in browsers that may call the API over HTTP; `*` for all"),
  }),
  grpc: z.object({
    host: interfaceSchema("127.0.0.1").describe("interface of the public API"),
    port: port(50051, "port of the public API"),
    apiKeysFile: z
      .string()
      .optional()
      .describe(
        "one client a line, `name key`, with the scopes generate and score, read at the start; beside them there are those of `turntable-coordinator keys`",
      ),
    insecureOpen: z.boolean().default(false).describe("serve other machines without API keys"),
    ...tlsOptions("the public API"),
    maxConnectionAgeMs: z
      .number()
      .int()
      .min(1_000)
      .default(defaultConnectionAgeMs)
      .describe("a connection is asked to end after so long; watches go on over the next one"),
  }),
  admin: z.object({
    enabled: z
      .boolean()
      .default(false)
      .describe("serve AdminService, for API keys with the scope admin"),
    webEnabled: z
      .boolean()
      .default(false)
      .describe(
        "serve AdminService on the HTTP port, too, for API keys with the scope admin: browsers reach it there",
      ),
    host: interfaceSchema("127.0.0.1").describe("interface of AdminService"),
    port: port(50052, "port of AdminService"),
    ...tlsOptions("AdminService"),
  }),
  axon: z.object({
    host: interfaceSchema("0.0.0.0").describe("interface of the axon"),
    port: port(8091, "port of the axon"),
    externalPort: z
      .number()
      .int()
      .min(1)
      .max(65535)
      .optional()
      .describe(
        "port to announce instead of the axon's own, where the outer one is another (NodePort, rented machines)",
      ),
    externalIp: z
      .string()
      .transform((text) => text.replace(/^\[(.*)\]$/, "$1"))
      .refine((text) => isIP(text) !== 0, "is not an IP address; names cannot be announced")
      .refine(
        (text) => !/^[0:.]+$/.test(text),
        "stands for every address of this machine, and nobody can reach it; give the one that miners reach",
      )
      .optional()
      .describe(
        "address to announce on the chain, as miners reach it; without it none is announced",
      ),
    also: z
      .array(
        z.string().refine((text) => parseAxonPlace(text) !== undefined, `is not ${axonPlaceForm}`),
      )
      .default([])
      .describe(
        `another axon, of another subnet or hotkey, with the same tasks and miners' records, ${axonPlaceForm}`,
      ),
    clients: z
      .array(z.string().refine(isSs58, "not an ss58 address"))
      .default([])
      .describe(
        "ss58 of a hotkey that may ask for assets over the axon, by the subnet's public API of 2024",
      ),
  }),
  http: z.object({
    host: interfaceSchema("127.0.0.1").describe("interface of health and metrics"),
    port: port(9090, "port of health and metrics"),
    ...tlsOptions("the HTTP port"),
    tlsClientCaFile: z
      .string()
      .optional()
      .describe(
        "authorities of clients' certificates, PEM: without one of theirs there are /livez and /readyz and nothing else",
      ),
  }),
  page: z.object({
    enabled: z
      .boolean()
      .default(false)
      .describe(
        "serve the web page and SubnetService on the HTTP port, for everybody and without a key; nothing can be changed by it",
      ),
    path: z
      .string()
      .regex(/^\/([\w.-]+\/)*$/, "has to begin and end with a slash, such as /subnet/")
      .refine((text) => !/\/\.{1,2}\//.test(text), "has a part that is . or ..")
      .default("/")
      .describe(
        "where the page is; its data are behind it, too, so that a proxy can let through this alone",
      ),
    folder: z
      .string()
      .default(new URL("../web/dist", import.meta.url).pathname)
      .describe("where the built page lies (`npm run build -w coordinator/web`)"),
    showClientTasks: z
      .boolean()
      .default(false)
      .describe(
        "everybody sees clients' tasks, too, with their prompts and assets; without it synthetic ones alone",
      ),
    watchers: z
      .number()
      .int()
      .min(1)
      .default(defaultPageLimits.watchers)
      .describe("streams of the overview, and as many of tasks, at one time"),
    callsPerMinute: z
      .number()
      .int()
      .min(1)
      .default(defaultPageLimits.callsPerMinute)
      .describe("calls of SubnetService a minute, of all callers together"),
  }),
  prompts: z.object({
    file: z
      .string()
      .default(new URL("../../resources/prompts.txt", import.meta.url).pathname)
      .describe("prompts of synthetic tasks, one a line"),
    synthetic: z
      .boolean()
      .default(true)
      .describe("give miners synthetic tasks when no client waits"),
    seed: z
      .string()
      .min(1)
      .optional()
      .describe(
        "what the order of prompts follows from, so that a run can be repeated; a secret from miners; without it one is drawn and kept",
      ),
    service: z
      .url({ protocol: /^https?$/ })
      .refine((text) => {
        const { username, password, search, hash } = new URL(text);
        return `${username}${password}${search}${hash}` === "";
      }, "takes no user, password, query or fragment: requests are signed with the hotkey")
      .optional()
      .describe(
        "prompt service, asked at URL/get; its last list is kept, and the file's prompts serve until it gave one",
      ),
    method: z
      .enum(["GET", "POST"])
      .default("GET")
      .describe("how the service is asked: GET with a body as in 2024, or POST"),
    refreshMs: z
      .number()
      .int()
      .min(1_000)
      .default(3_600_000)
      .describe("between two lists of the service"),
    least: z
      .number()
      .int()
      .min(1)
      .default(1_000)
      .describe("a list of the service with fewer prompts is refused"),
    timeoutMs: z
      .number()
      .int()
      .min(100)
      .default(30_000)
      .describe("the service's whole answer must be there within"),
  }),
  consentFile: z
    .string()
    .optional()
    .describe(
      "the licence consent text that miners of 2025 sign; without it their submissions count as wrongly signed",
    ),
  limits: z.object({
    promptChars: z.number().int().min(1).default(1024).describe("longest prompt, characters"),
    openTasks: z.number().int().min(1).default(1000).describe("organic tasks that have not ended"),
    openTasksOfClient: z
      .number()
      .int()
      .min(1)
      .default(250)
      .describe("those of one client; clients take turns when tasks are lent"),
    submissionBytes: z
      .number()
      .int()
      .min(1024)
      .default(defaultSubmissionBytes)
      .describe("axon: largest body of SubmitResults, its results in base64"),
    ...axonLimitOptions,
    dispatchTries: z
      .number()
      .int()
      .min(1)
      .default(defaultDispatchTries)
      .describe("tries at queueing a submission, with growing pauses, before it ends as our fault"),
    downloads: z
      .number()
      .int()
      .min(1)
      .default(defaultMaxDownloads)
      .describe("downloads of one client at one time"),
    stalledStreamMs: z
      .number()
      .int()
      .min(100)
      .default(defaultStalledMs)
      .describe("a stream of the API whose caller takes nothing for so long is ended"),
    pendingSubmissions: z
      .number()
      .int()
      .min(1)
      .default(defaultLimits.pendingSubmissions)
      .describe("submissions without a verdict; while there are so many, miners find no task"),
    reserveBytes: z
      .number()
      .int()
      .min(0)
      .default(defaultLimits.reserveBytes)
      .describe(
        "free bytes of the data directory's disk below which submissions and tasks are refused",
      ),
  }),
  retention: z.object({
    resultDays: days(defaultRetention.resultMs, "accepted assets of clients' tasks are kept, days"),
    otherAssetDays: days(
      defaultRetention.otherAssetMs,
      "all other assets (rejected, invalid, of synthetic tasks) are kept, days",
    ),
    assetBytes: z
      .number()
      .int()
      .min(mebibyte)
      .default(defaultRetention.assetBytes)
      .describe("all assets together; above it the oldest go first, results after all others"),
    organicTaskDays: days(
      defaultRetention.organicTaskMs,
      "clients' tasks that have ended are kept, with their reports, days",
    ),
    syntheticTaskDays: days(
      defaultRetention.syntheticTaskMs,
      "synthetic tasks that have ended are kept, days",
    ),
    databaseBytes: z
      .number()
      .int()
      .min(mebibyte)
      .default(defaultRetention.databaseBytes)
      .describe(
        "the database; above it the oldest ended tasks go first, but for those within the miners' window or that of duplicates",
      ),
  }),
  storage: z.object({
    subnet21: z
      .boolean()
      .default(false)
      .describe("store accepted assets on subnet 21, too, as validators of 2024 did"),
    subnet21Netuid: z.number().int().min(0).default(21).describe("that subnet's number"),
    ttlS: z
      .number()
      .int()
      .min(1)
      .default(31_104_000)
      .describe("how long subnet 21 is asked to keep them, seconds"),
    s3Bucket: z
      .string()
      .min(1)
      .optional()
      .describe(
        "store accepted assets in this bucket, too; credentials are the AWS SDK's own: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SHARED_CREDENTIALS_FILE",
      ),
    s3Endpoint: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe("of a store that is not AWS's own"),
    s3Region: z.string().min(1).default("us-east-1").describe("the bucket's region"),
    s3Prefix: z.string().default("").describe("in front of each object's name"),
    queue: z
      .number()
      .int()
      .min(1)
      .default(defaultStorage.queue.assets)
      .describe("assets that may wait for each place; when so many do, what comes is not stored"),
    queueBytes: z
      .number()
      .int()
      .min(mebibyte)
      .default(defaultStorage.queue.bytes)
      .describe("bytes that may; they are kept until they are stored"),
  }),
  telemetry: telemetrySchema,
  duels: z.object({
    url: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe(
        "base URL of an OpenAI-compatible endpoint with a vision model that judges duels, such as http://127.0.0.1:8000/v1; it gets prompts and pictures",
      ),
    model: z.string().default("").describe("the model's name there"),
    apiKeyFile: z.string().optional().describe("file with the endpoint's API key"),
    timeoutMs: z
      .number()
      .int()
      .min(100)
      .max(600_000)
      .default(60_000)
      .describe("how long one answer may take"),
    maxTokens: z
      .number()
      .int()
      .min(1)
      .max(32_768)
      .default(512)
      .describe("the most tokens of one answer; a duel takes two answers"),
  }),
  duplicates: z.object({
    windowMs: z
      .number()
      .int()
      .min(0)
      .default(defaultDuplicateLimits.windowMs)
      .describe(
        "how long an accepted submission is looked for among new ones; 0 rewards the same object again and again",
      ),
    compared: z
      .number()
      .int()
      .min(1)
      .default(defaultDuplicateLimits.compared)
      .describe("fingerprints of about its size that a submission is compared with, newest first"),
  }),
  audit: z.object({
    share: z
      .number()
      .min(0)
      .max(1)
      .default(defaultAudits.share)
      .describe(
        "share of the verdicts that a second worker looks at again, afterwards and behind all other jobs, 0 to 1",
      ),
    margin: z
      .number()
      .min(0)
      .max(0.5)
      .default(defaultAudits.margin)
      .describe(
        "scores no further from the acceptance than this are looked at again in any case; 0: no score for that",
      ),
    tolerance: z
      .number()
      .min(0)
      .max(1)
      .default(defaultAudits.tolerance)
      .describe(
        "largest difference between the scores of two honest workers; 0 measures differences and blames nobody",
      ),
    findings: z
      .number()
      .int()
      .min(1)
      .max(100)
      .default(defaultAudits.findings)
      .describe(
        "so often within the miners' window two others agree against a worker before it is quarantined",
      ),
  }),
  log: z.object({
    level: z
      .enum(logLevels)
      .default("info")
      .describe(`one of ${logLevels.join(", ")}`),
  }),
  gracePeriodMs: z
    .number()
    .int()
    .min(0)
    .default(25_000)
    .describe("after a stop signal, before the process is ended hard"),
});
