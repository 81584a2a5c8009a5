/** What the worker process can be told. */

import { jobClassNames } from "@turntable/bus";
import { natsQueueSchema, natsSchema } from "@turntable/bus/config";
import {
  type ConfigDefinition,
  interfaceSchema,
  logLevels,
  telemetrySchema,
} from "@turntable/process";
import { defaultAssetLimits } from "@turntable/splat";
import { z } from "zod";

const mebibyte = 1024 * 1024;

const schema = z.object({
  nats: natsSchema,
  workerId: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe(
      "names this worker in reports, unique among all; host name and process id when absent",
    ),
  jobClasses: z
    .array(z.enum(jobClassNames))
    .min(1, { error: "one class is needed at least" })
    .default([...jobClassNames])
    .describe("which jobs it takes; a pool for one class can be scaled by that alone"),
  model: z
    .string()
    .optional()
    .describe(
      "directory of a CLIP model in the usual ONNX layout; else the built-in demonstration",
    ),
  profiles: z
    .string()
    .optional()
    .describe("directory of the scoring profiles; else those that come with the project"),
  executionProvider: z
    .enum(["cpu", "cuda", "webgpu", "auto"])
    .default("cpu")
    .describe("what runs the model: cpu, cuda, webgpu, or auto"),
  backend: z
    .enum(["auto", "cpu", "webgpu", "gl"])
    .default("auto")
    .describe(
      "what renders: cpu, webgpu (a GPU), gl, or auto: webgpu where there is a GPU, else cpu",
    ),
  gpu: z
    .string()
    .min(1)
    .optional()
    .describe("index or part of the name of the GPU, see `devices`; the fastest when absent"),
  allowSoftwareGpu: z
    .boolean()
    .default(false)
    .describe("take a GPU driver that computes on the CPU as well, to try things out"),
  threads: z
    .number()
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe("threads that render, and that run the model; one a core when absent"),
  limits: z.object({
    splats: z
      .number()
      .int()
      .positive()
      .default(defaultAssetLimits.maxSplats)
      .describe("most splats in an asset"),
    assetMebibytes: z
      .number()
      .positive()
      .default(defaultAssetLimits.maxDecompressedBytes / mebibyte)
      .describe("largest asset once it is decompressed, in MiB"),
    memoryMebibytes: z
      .number()
      .positive()
      .default(defaultAssetLimits.maxMemoryBytes / mebibyte)
      .describe(
        "most memory that reading and drawing one asset may take, worked out from its header, in MiB",
      ),
    extent: z
      .number()
      .positive()
      .default(defaultAssetLimits.maxExtent)
      .describe("largest absolute coordinate"),
  }),
  http: z.object({
    host: interfaceSchema("127.0.0.1").describe("interface of health and metrics"),
    port: z
      .number()
      .int()
      .min(0)
      .max(65535)
      .default(9091)
      .describe("port of health and metrics; 0 takes a free one"),
  }),
  maxMemoryMebibytes: z
    .number()
    .positive()
    .optional()
    .describe(
      "resident memory at which the process ends itself, in MiB; nine tenths of what the container, or else the machine, has when absent",
    ),
  gracePeriodMs: z
    .number()
    .int()
    .positive()
    .default(30_000)
    .describe("time to finish or hand back the job in work when told to stop, in ms"),
  telemetry: telemetrySchema,
  log: z.object({ level: z.enum(logLevels).default("info").describe("least level logged") }),
});

export type Config = z.infer<typeof schema>;

/** What one-shot commands share with the processes. */
export const limitsSchema = schema.pick({ limits: true });
export const renderingSchema = schema.pick({
  backend: true,
  gpu: true,
  allowSoftwareGpu: true,
  threads: true,
});

export const inferenceSchema = schema.pick({ model: true, executionProvider: true });

/** Whether a backend or execution provider may end up on the GPU that was chosen; `gl` takes the one that the system gives. */
export function usesChosenGpu(name: string): boolean {
  return name === "auto" || name === "webgpu" || name === "cuda";
}

/** What is said of a GPU where none is used would be passed over without a word. */
function refuseUnusedGpu(
  config: Pick<Config, "backend" | "executionProvider" | "gpu" | "allowSoftwareGpu">,
  context: z.RefinementCtx,
): void {
  const { backend, executionProvider } = config;
  if (usesChosenGpu(backend) || usesChosenGpu(executionProvider)) {
    return;
  }
  const message = `makes no sense while the backend is ${backend} and the execution provider ${executionProvider}`;
  if (config.gpu !== undefined) {
    context.addIssue({ code: "custom", path: ["gpu"], message });
  }
  if (config.allowSoftwareGpu) {
    context.addIssue({ code: "custom", path: ["allowSoftwareGpu"], message });
  }
}

const runSchema = schema.superRefine(refuseUnusedGpu);

export const workerConfig: ConfigDefinition<typeof runSchema> = {
  command: "turntable-worker run",
  summary: "takes render-and-score jobs from NATS until it is told to stop",
  schema: runSchema,
};

const endpointSchema = schema
  .omit({ nats: true, workerId: true, jobClasses: true, maxMemoryMebibytes: true, http: true })
  .extend({
    http: z.object({
      host: interfaceSchema("127.0.0.1").describe("interface to listen on"),
      port: z.number().int().min(0).max(65535).default(8093).describe("port; 0 takes a free one"),
      requestMebibytes: z
        .number()
        .positive()
        .max(384)
        .default(128)
        .describe("largest request in MiB; an asset in base64 takes a third more than its bytes"),
    }),
    nats: z
      .array(z.string())
      .min(1)
      .optional()
      .describe("NATS servers: the pool of workers scores instead of this process"),
    natsUser: schema.shape.nats.shape.user,
    natsPasswordFile: schema.shape.nats.shape.passwordFile,
    natsCredentialsFile: schema.shape.nats.shape.credentialsFile,
    natsNkeyFile: schema.shape.nats.shape.nkeyFile,
    natsTls: schema.shape.nats.shape.tls,
    natsReplicas: natsQueueSchema.shape.replicas.describe(
      "copies of each stream in a cluster of NATS, where no coordinator has made them",
    ),
    natsAckWaitMs: natsQueueSchema.shape.ackWaitMs.describe(
      "a job not kept alive for this long goes to another worker, where no coordinator says otherwise",
    ),
    poolTimeoutMs: z
      .number()
      .int()
      .positive()
      .default(120_000)
      .describe("with --nats: an asset that no worker scored for this long is answered 503, in ms"),
    profile: z.string().default("sn17-seed").describe("the scoring profile of all requests"),
    queue: z.object({
      capacity: z
        .number()
        .int()
        .min(0)
        .max(1000)
        .default(16)
        .describe("requests that may wait beside one in work; one more is answered 503"),
    }),
  });

/** Settings of this process's own scoring, which `--nats` leaves to others; previews are drawn here, by `cpu`. */
const ownScoring = ["model", "executionProvider", "backend", "gpu", "allowSoftwareGpu"] as const;
/** Settings that only `--nats` has a use for, because they are about the pool of workers. */
const poolOnly = [
  "natsUser",
  "natsPasswordFile",
  "natsCredentialsFile",
  "natsNkeyFile",
  "natsReplicas",
  "natsAckWaitMs",
  "poolTimeoutMs",
] as const;

const serveSchema = endpointSchema.superRefine((config, context) => {
  refuseUnusedGpu(config, context);
  const isPool = config.nats !== undefined;
  for (const key of isPool ? ownScoring : poolOnly) {
    if (config[key] === endpointSchema.shape[key].parse(undefined)) {
      continue; // its default
    }
    const message = isPool
      ? "makes no sense with --nats: the pool's workers have their own"
      : "makes no sense without --nats";
    context.addIssue({ code: "custom", path: [key], message });
  }
});

export type ServeConfig = z.infer<typeof serveSchema>;

export const serveConfig: ConfigDefinition<typeof serveSchema> = {
  command: "turntable-worker serve",
  summary: "scores assets over HTTP, where existing validators ask for it",
  schema: serveSchema,
};

/** The resident memory at which a worker ends itself, in bytes. */
export function maxMemoryBytes({ maxMemoryMebibytes }: Config): number | undefined {
  return maxMemoryMebibytes === undefined ? undefined : maxMemoryMebibytes * mebibyte;
}

/** The limits of a configuration in the units of the splat library. */
export function assetLimits({ limits }: Pick<Config, "limits">) {
  return {
    maxSplats: limits.splats,
    maxDecompressedBytes: limits.assetMebibytes * mebibyte,
    maxMemoryBytes: limits.memoryMebibytes * mebibyte,
    maxExtent: limits.extent,
  };
}
