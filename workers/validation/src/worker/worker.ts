/**
 * A worker: takes jobs from a queue, renders and scores, and publishes what came of it.
 *
 * W1 Stopping takes nothing more and lets the job in work finish for `drainMs`; then it is handed back.
 * W2 A worker that finds itself sick stops and says so through `ended`; its process then exits with an error.
 * W3 It takes no job before renderer and model have shown, on a known scene and on known pictures, that they compute
 *    what they should.
 */

import type { JobSource } from "@turntable/bus";
import type { Logger, Metrics } from "@turntable/process";
import { type AssetLimits, defaultAssetLimits } from "@turntable/splat";
import type { Environment } from "../gpu/index.ts";
import {
  checkBackend,
  leastDb,
  type RenderBackend,
  smallTest,
  startRenderer,
} from "../render/index.ts";
import {
  type Clip,
  checkModel,
  type ExecutionProvider,
  loadClip,
  ownSettings,
} from "../score/index.ts";
import { createProfiles, type Scorer } from "../scoring/index.ts";
import { createEvents, observeGpus } from "./events.ts";
import { readGpuStatistics } from "./gpu-statistics.ts";
import { runJobLoop } from "./loop.ts";

export interface WorkerOptions {
  /** Disposed with the worker. */
  readonly source: JobSource;
  /** A CLIP directory in the usual ONNX layout. */
  readonly modelDir: string;
  /** Folder of the scoring profiles; the project's own when absent. */
  readonly profilesDir?: string;
  /** The variables of processes that work on a GPU: usually all that this process has. */
  readonly env: Environment;
  /** What runs the model; cpu when absent. */
  readonly executionProvider?: ExecutionProvider;
  /** What renders; `auto` when absent. */
  readonly backend?: RenderBackend;
  /** Index or part of the name of the GPU; the fastest when absent. */
  readonly gpu?: string | undefined;
  /** Whether a GPU driver that computes on the CPU may be used. */
  readonly allowSoftwareGpu?: boolean;
  /** Threads that render, and as many that run the model. */
  readonly threads: number;
  /** Named in results and reports. */
  readonly workerId: string;
  readonly limits?: AssetLimits;
  /** How long a job in work may go on once the worker is told to stop, W1. */
  readonly drainMs?: number;
  readonly logger: Logger;
  readonly metrics?: Metrics;
  /** Told the ids of the jobs that it has, in work and ahead, whenever they change. */
  readonly onJobs?: (jobIds: readonly string[]) => void;
}

export interface RunningWorker extends AsyncDisposable {
  /** What it scores with. */
  readonly model: Pick<Clip, "files" | "pictureSettings">;
  /** Resolves when the worker was stopped, rejects when it is sick, W2. */
  readonly ended: Promise<void>;
}

const defaultDrainMs = 20_000;

/** Loads the model, starts the render threads and takes jobs until it is disposed. */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  await using stack = new AsyncDisposableStack();
  stack.use(options.source);
  const { backend: askedBackend = "auto", env, threads, gpu, allowSoftwareGpu } = options;
  const renderer = stack.use(
    await startRenderer({
      ...{ backend: askedBackend, env, threads, gpu, allowSoftwareGpu },
      onPassedOver: ({ code, message }) =>
        options.logger[code === "unavailable" ? "info" : "warn"](
          { code, reason: message },
          "no GPU is used",
        ),
    }),
  );
  const { backend, device, instructions, approximate } = renderer;
  if (backend === "cpu") {
    // Those on a GPU were tested as they started.
    const ratioDb = await checkBackend((...drawn) => renderer.render(...drawn), smallTest);
    if (!(ratioDb >= leastDb.cpu)) {
      throw new Error(
        `the renderer draws wrongly: ${ratioDb.toFixed(1)} dB, ${leastDb.cpu} are needed. Run turntable-worker selftest on another machine to compare.`,
      );
    }
  }
  options.logger.info({ backend, device, instructions, approximate }, "renderer");
  const events = createEvents(options.logger, options.metrics);
  const clip = stack.use(
    await loadClip(options.modelDir, {
      executionProvider: options.executionProvider ?? "cpu",
      ...{ env, threads, gpu, allowSoftwareGpu },
      onBatch: (pictures) => events.batch(pictures),
    }),
  );
  const { against, difference } = await checkModel(clip, options.modelDir);
  const { name: model, files, executionProvider, placement, note } = clip;
  options.logger.info(
    {
      ...{ model, files, picture_settings: clip.pictureSettings ?? ownSettings },
      ...{ execution_provider: executionProvider, operators_on_cpu: placement.onCpu, note },
      ...{ self_test: against, self_test_difference: difference },
    },
    "model",
  );
  const scorer: Scorer = {
    renderer,
    clip,
    limits: options.limits ?? defaultAssetLimits,
  };
  events.loaded({ backend, device, model, executionProvider });
  if (options.metrics !== undefined && (device !== undefined || executionProvider !== "cpu")) {
    observeGpus(options.metrics, () => readGpuStatistics(env));
  }
  const stopping = new AbortController();
  const giveUp = new AbortController();
  const jobs = new Set<string>();
  const tellJobs = (): void => options.onJobs?.([...jobs]);
  const ended = runJobLoop({
    source: options.source,
    scorer,
    profile: createProfiles(options.profilesDir),
    workerId: options.workerId,
    signal: stopping.signal,
    // Where cores render, an asset is fetched fast enough while the model has them.
    fetchAhead: backend === "cpu" ? "scoring" : "begun",
    giveUp: giveUp.signal,
    onTaken({ job, attempt }) {
      jobs.add(job.jobId);
      tellJobs();
      options.logger.debug({ job_id: job.jobId, attempt }, "job taken");
    },
    onLeft({ job }) {
      events.jobLeft();
      jobs.delete(job.jobId);
      tellJobs();
    },
    onJob(event) {
      jobs.delete(event.taken.job.jobId);
      tellJobs();
      events.jobDone(event);
    },
  });
  stack.defer(async () => {
    stopping.abort();
    const timer = setTimeout(() => giveUp.abort(), options.drainMs ?? defaultDrainMs);
    // Why it ended is told through `ended`.
    await ended.catch(() => undefined);
    clearTimeout(timer);
  });
  const running = stack.move();
  return {
    model: clip,
    ended,

    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
