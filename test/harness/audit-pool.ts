/** Workers of a pool for tests of audits: some say what is so, some do not, and some ignore that they are drained. */
import { create } from "@bufbuild/protobuf";
import type { JobSource, TakenJob } from "@turntable/bus";
import {
  type RenderScoreJob,
  type RenderScoreResult,
  RenderScoreResultSchema,
  ScoreReportSchema,
} from "@turntable/proto";

export interface PoolWorker extends AsyncDisposable {
  /** What it has done, in order. */
  readonly done: readonly RenderScoreJob[];
}

/** Says what `scoreOf` says, at once, until it is disposed. */
export function startPoolWorker(
  source: JobSource,
  workerId: string,
  scoreOf: (job: RenderScoreJob) => number,
): PoolWorker {
  const done: RenderScoreJob[] = [];
  const stopping = new AbortController();
  const running = (async () => {
    for (;;) {
      const taken = await source.take(stopping.signal);
      if (taken === undefined) {
        return;
      }
      await taken.complete(answer(taken, workerId, scoreOf(taken.job)));
      done.push(taken.job);
    }
  })();
  return {
    done,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
      await source[Symbol.asyncDispose]();
    },
  };
}

/** What a worker of this name says of a job. */
export function answer(
  { job, attempt }: Pick<TakenJob, "job" | "attempt">,
  workerId: string,
  score: number,
): RenderScoreResult {
  const { jobId, submissionId, taskId, replica, prompt, cameraSeed } = job;
  const value = create(ScoreReportSchema, {
    ...{ jobId, submissionId, taskId, prompt, cameraSeed, workerId, score, acceptance: 0.6 },
    model: { name: "a-model", sha256: new Uint8Array(32) },
  });
  const outcome = { case: "scored" as const, value };
  return create(RenderScoreResultSchema, {
    ...{ jobId, submissionId, replica, workerId, attempt, outcome },
  });
}

/** A worker's side of the queue whose results are changed on their way, as by a worker that lies. */
export function lying(source: JobSource, change: (result: RenderScoreResult) => void): JobSource {
  return {
    async take(signal) {
      const taken = await source.take(signal);
      return (
        taken && {
          ...taken,
          async complete(result) {
            change(result);
            await taken.complete(result);
          },
        }
      );
    },
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}
