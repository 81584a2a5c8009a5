/** `turntable-worker serve`: the drop-in validation endpoint as a process. */
import { availableParallelism } from "node:os";
import { configHelp, createLogger, runMain } from "@turntable/process";
import { assetLimits, environment, serveConfig } from "../config.ts";
import { startValidationEndpoint } from "../http.ts";
import { loadProfile } from "../profile.ts";
import { startRenderer } from "../render/index.ts";
import { defaultModelDir, loadClip } from "../score/index.ts";
import type { Command } from "./arguments.ts";

const mebibyte = 1024 * 1024;

export const serveCommand: Command = {
  summary: "scores assets over HTTP, where existing validators ask",
  help: configHelp(serveConfig),
  async run(argv) {
    await runMain({
      definition: serveConfig,
      argv,
      env: environment,
      gracePeriodMs: (config) => config.gracePeriodMs,
      async start(config) {
        await using stack = new AsyncDisposableStack();
        const logger = createLogger("turntable-worker", config.log.level);
        const threads = config.threads ?? availableParallelism();
        const { executionProvider, profiles, backend, gpu, allowSoftwareGpu } = config;
        const clip = stack.use(
          await loadClip(config.model ?? defaultModelDir, {
            executionProvider,
            threads,
            gpu,
            allowSoftwareGpu,
          }),
        );
        const endpoint = stack.use(
          await startValidationEndpoint({
            host: config.http.host,
            port: config.http.port,
            scorer: {
              renderer: stack.use(
                await startRenderer({
                  ...{ backend, threads, gpu, allowSoftwareGpu },
                  onPassedOver: ({ message }) => logger.info({ reason: message }, "no GPU is used"),
                }),
              ),
              clip,
              limits: assetLimits(config),
            },
            profile: await loadProfile(config.profile, profiles),
            maxBodyBytes: config.http.requestMebibytes * mebibyte,
            queueCapacity: config.queue.capacity,
            onRequest({ route, status, durationMs, score, cameraSeed, error }) {
              const fields = {
                route,
                status,
                score,
                camera_seed: cameraSeed?.toString(),
                duration_ms: Math.round(durationMs),
              };
              if (error === undefined) logger.info(fields, "request");
              else logger.error({ ...fields, err: error }, "request failed");
            },
          }),
        );
        logger.info(
          {
            http: `${config.http.host}:${endpoint.port}`,
            model: clip.name,
            demonstration: clip.demonstration,
          },
          "ready",
        );
        stack.defer(() => logger.info("stopping"));
        return stack.move();
      },
    });
  },
};
