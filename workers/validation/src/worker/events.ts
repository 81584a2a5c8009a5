/** One function for each thing that happens: the counter and the log line together. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Logger, Metrics } from "@turntable/process";
import type { RenderScoreJob } from "@turntable/proto";
import type { JobOutcome } from "./job.ts";
import type { JobEvent } from "./loop.ts";

export interface Events {
  jobDone(event: JobEvent): void;
}

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
  // What alerts look at begins with 0: the growth of a series that was not there is not seen.
  for (const outcome of ["scored", "invalidAsset", "retryable", "hopeless", "lost"] as const) {
    jobs?.add(0, { outcome } satisfies { outcome: JobOutcome["kind"] });
  }

  return {
    jobDone({ taken: { job, attempt }, outcome, durationMs }) {
      const phases = phasesOf(outcome);
      jobs?.add(1, { outcome: outcome.kind });
      jobSeconds?.record(durationMs / 1000, { outcome: outcome.kind });
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
        duration_ms: Math.round(durationMs),
      };
      if (outcome.kind === "retryable" || outcome.kind === "hopeless") {
        logger.error({ ...fields, err: outcome.error }, "job failed");
      } else {
        logger.info(fields, "job");
      }
    },
  };
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
