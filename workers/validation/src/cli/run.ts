/** `turntable-worker run`: the worker as a process. */
import { availableParallelism, hostname } from "node:os";
import { connectJobSource, logNatsEvent } from "@turntable/bus/nats";
import {
  configHelp,
  createLogger,
  createMetrics,
  hostAndPort,
  runMain,
  startStatusServer,
  startTelemetry,
} from "@turntable/process";
import { assetLimits, maxMemoryBytes, workerConfig } from "../config.ts";
import { defaultModelDir, ownSettings } from "../score/index.ts";
import { version } from "../version.ts";
import { defaultMaxMemory, startMemoryWatch, startWorker } from "../worker/index.ts";
import type { Command } from "./arguments.ts";

/** The end of the grace period, in ms, that is kept for handing back a job that was given up, and for closing. */
const closingMs = 5_000;

export const runCommand: Command = {
  summary: "the worker process: takes jobs from NATS",
  help: configHelp(workerConfig),
  async run(argv, env) {
    await runMain({
      definition: workerConfig,
      argv,
      env,
      gracePeriodMs: (config) => config.gracePeriodMs,
      async start(config, { signal, stop }) {
        await using stack = new AsyncDisposableStack();
        const workerId = config.workerId ?? `${hostname()}-${process.pid}`;
        const modelDir = config.model ?? defaultModelDir;
        const logger = createLogger("turntable-worker", config.log.level).child({
          worker_id: workerId,
        });
        stack.use(
          await startTelemetry({
            serviceName: "turntable-worker",
            version,
            config: config.telemetry,
            env,
            logger,
          }),
        );
        const metrics = createMetrics("turntable-worker");
        /** It cannot work, whatever NATS does. */
        let notAble: string | undefined = "renderer and model are being loaded and tested";
        let natsAway: string | undefined = "NATS is away";
        /** Not ready, so that whoever looks at the pods sees it; nothing restarts a worker for that. */
        let drained: string | undefined;
        const status = stack.use(
          await startStatusServer({
            ...config.http,
            metrics,
            notReady: () => notAble ?? natsAway ?? drained,
          }),
        );
        const source = await connectJobSource({
          ...config.nats,
          workerId,
          jobClasses: config.jobClasses,
          version,
          signal,
          onDraining(draining) {
            drained = draining
              ? `drained by the operator; turntable admin workers resume ${workerId} ends that, and so does a restart`
              : undefined;
            logger.info(draining ? "drained by the operator" : "resumed by the operator");
          },
          onEvent(event) {
            if (event.kind === "up") {
              natsAway = undefined;
            }
            if (event.kind === "down") {
              natsAway = "NATS is away";
            }
            logNatsEvent(logger, event);
          },
        });
        const maxBytes = maxMemoryBytes(config) ?? defaultMaxMemory();
        metrics.meter
          .createObservableGauge("turntable_worker_max_memory_bytes", {
            description: "resident memory at which the worker ends itself, in bytes",
          })
          .addCallback((result) => result.observe(maxBytes));
        const memory = stack.use(startMemoryWatch({ maxBytes, workerId }));
        const worker = stack.use(
          await startWorker({
            source,
            modelDir,
            ...(config.profiles === undefined ? {} : { profilesDir: config.profiles }),
            env,
            backend: config.backend,
            gpu: config.gpu,
            allowSoftwareGpu: config.allowSoftwareGpu,
            executionProvider: config.executionProvider,
            threads: config.threads ?? availableParallelism(),
            workerId,
            limits: assetLimits(config),
            drainMs: Math.max(0, config.gracePeriodMs - closingMs),
            logger,
            metrics,
            onJobs: memory.tell,
          }),
        );
        worker.ended.catch((error: unknown) =>
          stop(error instanceof Error ? error : new Error(String(error))),
        );
        notAble = undefined;
        const { files, pictureSettings = ownSettings } = worker.model;
        logger.info(
          {
            ...{ http: hostAndPort(config.http.host, status.port), model: modelDir },
            ...{ files, picture_settings: pictureSettings },
          },
          "ready",
        );
        stack.defer(() => {
          notAble = "stopping";
          logger.info("stopping");
        });
        return stack.move();
      },
    });
  },
};
