/** One function for each thing that happens: the counter and the log line together. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Logger, Metrics } from "@turntable/process";
import type { RenderScoreJob } from "@turntable/proto";
import type { GpuStatistics } from "./gpu-statistics.ts";
import type { JobOutcome } from "./job.ts";
import type { JobEvent } from "./loop.ts";

export interface Events {
  jobDone(event: JobEvent): void;
  /** A job was handed back before it was begun with. */
  jobLeft(): void;
  /** The model ran once. */
  batch(pictures: number): void;
  /** What works is known. */
  loaded(what: Loaded): void;
}

export interface Loaded {
  readonly backend: string;
  readonly device: string | undefined;
  readonly model: string;
  readonly executionProvider: string;
}

/** Bounds of the buckets of batches: a job has 36 pictures, a run of the model 12 at most unless it was told otherwise. */
const batchBuckets = [1, 2, 4, 8, 12, 16, 24, 36];

export function createEvents(logger: Logger, metrics: Metrics | undefined): Events {
  const jobs = metrics?.meter.createCounter("turntable_jobs", {
    description: "tries at jobs by outcome",
  });
  const jobSeconds = metrics?.meter.createHistogram("turntable_job_seconds", {
    description: "duration of one try at a job by outcome",
  });
  const phaseSeconds = metrics?.meter.createHistogram("turntable_job_phase_seconds", {
    description: "duration of the parts of a scored job: fetch, decode, render, score",
  });
  const waitSeconds = metrics?.meter.createHistogram("turntable_job_wait_seconds", {
    description:
      "how long a worker that was free for a job waited until it was fetched and decoded",
  });
  const heldSeconds = metrics?.meter.createHistogram("turntable_job_held_seconds", {
    description: "how long a job that was fetched and decoded waited for the one before it",
  });
  const jobsLeft = metrics?.meter.createCounter("turntable_jobs_left", {
    description: "jobs handed back before they were begun with",
  });
  const batches = metrics?.meter.createHistogram("turntable_model_batch_pictures", {
    description: "pictures in one run of the model",
    advice: { explicitBucketBoundaries: batchBuckets },
  });
  jobsLeft?.add(0);
  // What alerts look at begins with 0: the growth of a series that was not there is not seen.
  const outcomes = [
    "scored",
    "invalidAsset",
    "retryable",
    "hopeless",
    "withdrawn",
    "lost",
  ] as const;
  for (const outcome of outcomes) {
    jobs?.add(0, { outcome } satisfies { outcome: JobOutcome["kind"] });
  }

  return {
    jobLeft: () => jobsLeft?.add(1),
    batch: (pictures) => batches?.record(pictures),
    loaded({ backend, device = "", model, executionProvider }) {
      metrics?.meter
        .createObservableGauge("turntable_worker_info", {
          description: "1; what renders and what runs which model, in its labels",
        })
        .addCallback((result) =>
          result.observe(1, { backend, device, model, execution_provider: executionProvider }),
        );
    },
    jobDone({ taken: { job, attempt }, outcome, durationMs, waitMs, heldMs }) {
      const phases = phasesOf(outcome);
      jobs?.add(1, { outcome: outcome.kind });
      jobSeconds?.record(durationMs / 1000, { outcome: outcome.kind });
      waitSeconds?.record(waitMs / 1000);
      heldSeconds?.record(heldMs / 1000);
      for (const [phase, ms] of Object.entries(phases)) {
        phaseSeconds?.record((ms ?? 0) / 1000, { phase });
      }
      const fields = {
        job_id: job.jobId,
        task_id: job.taskId,
        attempt,
        replica: job.replica,
        profile: job.profile,
        asset_bytes: Number(job.assetSizeBytes),
        declared_format: job.encoding?.format || undefined,
        declared_compression: job.encoding?.compression || undefined,
        late: isLate(job) || undefined,
        outcome: outcome.kind,
        ...factsOf(outcome),
        ...Object.fromEntries(
          Object.entries(phases).map(([phase, ms]) => [`${phase}_ms`, Math.round(ms ?? 0)]),
        ),
        wait_ms: Math.round(waitMs),
        held_ms: Math.round(heldMs),
        duration_ms: Math.round(durationMs),
      };
      if (outcome.kind === "retryable" || outcome.kind === "hopeless") {
        logger.error({ ...fields, err: outcome.error }, "job failed");
      } else {
        logger[outcome.kind === "withdrawn" ? "debug" : "info"](fields, "job");
      }
    },
  };
}

/** GPUs tell of themselves when the metrics are read; those that cannot are absent. */
export function observeGpus(
  { meter }: Metrics,
  read: () => Promise<readonly GpuStatistics[]>,
): void {
  const utilization = meter.createObservableGauge("turntable_gpu_utilization_ratio", {
    description: "share of the time in which a GPU worked, 0 to 1, whoever had it work",
  });
  const used = meter.createObservableGauge("turntable_gpu_memory_used_bytes", {
    description: "memory of a GPU in use, by all processes, in bytes",
  });
  const total = meter.createObservableGauge("turntable_gpu_memory_bytes", {
    description: "memory that a GPU has, in bytes",
  });
  meter.addBatchObservableCallback(
    async (result) => {
      for (const { gpu, name, ...statistics } of await read()) {
        for (const [gauge, value] of [
          [utilization, statistics.utilization],
          [used, statistics.usedBytes],
          [total, statistics.totalBytes],
        ] as const) {
          if (value !== undefined) {
            result.observe(gauge, value, { gpu, name });
          }
        }
      }
    },
    [utilization, used, total],
  );
}

/** Whether nobody waits for the result any more. */
function isLate({ deadline }: RenderScoreJob): boolean {
  return deadline !== undefined && timestampMs(deadline) < Date.now();
}

function phasesOf(outcome: JobOutcome): Readonly<Record<string, number | undefined>> {
  if (outcome.kind !== "scored") {
    return {};
  }
  const { fetchMs, decodeMs, renderMs, scoreMs } = outcome.report.timings ?? {};
  return { fetch: fetchMs, decode: decodeMs, render: renderMs, score: scoreMs };
}

function factsOf(outcome: JobOutcome): Readonly<Record<string, unknown>> {
  switch (outcome.kind) {
    case "scored":
      return { score: outcome.report.score, splats: Number(outcome.report.splatCount) };
    case "invalidAsset":
      return { code: outcome.code, reason: outcome.message };
    default:
      return {};
  }
}
