/** `turntable-worker serve`: the drop-in validation endpoint as a process. */
import { availableParallelism } from "node:os";
import { connectJobCaller, logNatsEvent } from "@turntable/bus/nats";
import {
  configHelp,
  createLogger,
  hostAndPort,
  type Logger,
  runMain,
  startTelemetry,
} from "@turntable/process";
import { assetLimits, type ServeConfig, serveConfig } from "../config.ts";
import {
  type EndpointScorer,
  scoreHere,
  scoreOverPool,
  startValidationEndpoint,
} from "../endpoint/index.ts";
import type { Environment } from "../gpu/index.ts";
import { startRenderer } from "../render/index.ts";
import { defaultModelDir, loadClip, ownSettings } from "../score/index.ts";
import { loadProfile, type Profile } from "../scoring/index.ts";
import { version } from "../version.ts";
import type { Command } from "./arguments.ts";

const mebibyte = 1024 * 1024;

export const serveCommand: Command = {
  summary: "scores assets over HTTP, where existing validators ask",
  help: configHelp(serveConfig),
  async run(argv, env) {
    await runMain({
      definition: serveConfig,
      argv,
      env,
      gracePeriodMs: (config) => config.gracePeriodMs,
      async start(config, { signal }) {
        await using stack = new AsyncDisposableStack();
        const logger = createLogger("turntable-worker", config.log.level);
        stack.use(
          await startTelemetry({
            serviceName: "turntable-worker",
            version,
            config: config.telemetry,
            env,
            logger,
          }),
        );
        const profile = await loadProfile(config.profile, config.profiles);
        const pool = config.nats;
        const { score, ...scoredBy } =
          pool === undefined
            ? await startHere(config, env, profile, logger, stack)
            : await startPool({ ...config, nats: pool }, env, profile, logger, stack, signal);
        const endpoint = stack.use(
          await startValidationEndpoint({
            host: config.http.host,
            port: config.http.port,
            score,
            maxBodyBytes: config.http.requestMebibytes * mebibyte,
            queueCapacity: config.queue.capacity,
            onRequest({ route, status, code, durationMs, score, cameraSeed, errorId, error }) {
              const fields = {
                route,
                status,
                code,
                score,
                camera_seed: cameraSeed?.toString(),
                duration_ms: Math.round(durationMs),
              };
              if (error === undefined) {
                logger.info(fields, "request");
              } else {
                logger.error({ ...fields, error_id: errorId, err: error }, "request failed");
              }
            },
          }),
        );
        logger.info({ http: hostAndPort(config.http.host, endpoint.port), ...scoredBy }, "ready");
        stack.defer(() => logger.info("stopping"));
        return stack.move();
      },
    });
  },
};

type Started = { readonly score: EndpointScorer } & Readonly<Record<string, unknown>>;

async function startHere(
  config: ServeConfig,
  env: Environment,
  profile: Profile,
  logger: Logger,
  stack: AsyncDisposableStack,
): Promise<Started> {
  const { executionProvider, backend, gpu, allowSoftwareGpu } = config;
  const threads = config.threads ?? availableParallelism();
  const clip = stack.use(
    await loadClip(config.model ?? defaultModelDir, {
      executionProvider,
      env,
      threads,
      gpu,
      allowSoftwareGpu,
    }),
  );
  const renderer = stack.use(
    await startRenderer({
      ...{ backend, env, threads, gpu, allowSoftwareGpu },
      onPassedOver: ({ message }) => logger.info({ reason: message }, "no GPU is used"),
    }),
  );
  return {
    score: scoreHere({ renderer, clip, limits: assetLimits(config) }, profile),
    model: clip.name,
    files: clip.files,
    picture_settings: clip.pictureSettings ?? ownSettings,
    note: clip.note,
    demonstration: clip.demonstration,
  };
}

async function startPool(
  config: ServeConfig & { readonly nats: readonly string[] },
  env: Environment,
  profile: Profile,
  logger: Logger,
  stack: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Started> {
  const caller = stack.use(
    await connectJobCaller({
      servers: config.nats,
      user: config.natsUser,
      passwordFile: config.natsPasswordFile,
      credentialsFile: config.natsCredentialsFile,
      nkeyFile: config.natsNkeyFile,
      tls: config.natsTls,
      replicas: config.natsReplicas,
      ackWaitMs: config.natsAckWaitMs,
      signal,
      onEvent: (event) => logNatsEvent(logger, event),
    }),
  );
  const threads = config.threads ?? availableParallelism();
  const renderer = stack.use(await startRenderer({ backend: "cpu", env, threads }));
  const limits = assetLimits(config);
  const timeoutMs = config.poolTimeoutMs;
  return { score: scoreOverPool({ caller, renderer, limits, profile, timeoutMs }), pool: true };
}
