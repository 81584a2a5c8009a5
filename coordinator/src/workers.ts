/** What the workers have done, as their results tell. Times are ms since 1970 UTC. */
import type { RenderScoreResult } from "@turntable/proto";

/** What a worker has done since the coordinator started. */
export interface WorkerFacts {
  /** The worker's own name. */
  readonly id: string;
  readonly firstAt: number;
  readonly lastAt: number;
  /** Jobs that it rendered and scored, assets that it refused, jobs that it gave up. */
  readonly scored: number;
  readonly invalid: number;
  readonly faults: number;
  /** Means over the scored jobs, in ms; 0 when there was none. */
  readonly meanTotalMs: number;
  readonly meanRenderMs: number;
  readonly meanScoreMs: number;
  /** Of the latest report; empty before the first. */
  readonly model: string;
  readonly renderer: string;
  readonly version: string;
}

export interface Workers {
  /** A result has come. */
  seen(result: RenderScoreResult, now: number): void;
  /** How many had a result within the last ten minutes. */
  count(now: number): number;
  /** The one with the latest result first. */
  list(): readonly WorkerFacts[];
}

const activeMs = 600_000;
/** Workers that are remembered: names may be new with each start, and the ones longest silent go first. */
const maxWorkers = 1_000;

export function createWorkers(): Workers {
  /** In the order of their latest results. */
  const known = new Map<string, WorkerFacts>();
  return {
    seen(result, now) {
      const { workerId } = result;
      const before = known.get(workerId) ?? unknownWorker(workerId, now);
      known.delete(workerId);
      known.set(workerId, { ...addResult(before, result), lastAt: now });
      for (const silent of known.keys()) {
        if (known.size <= maxWorkers) {
          break;
        }
        known.delete(silent);
      }
    },
    count: (now) => [...known.values()].filter(({ lastAt }) => lastAt >= now - activeMs).length,
    list: () => [...known.values()].reverse(),
  };
}

function unknownWorker(id: string, now: number): WorkerFacts {
  return {
    ...{ id, firstAt: now, lastAt: now, scored: 0, invalid: 0, faults: 0 },
    ...{ meanTotalMs: 0, meanRenderMs: 0, meanScoreMs: 0, model: "", renderer: "", version: "" },
  };
}

function addResult(worker: WorkerFacts, { outcome }: RenderScoreResult): WorkerFacts {
  if (outcome.case === "invalidAsset") {
    return { ...worker, invalid: worker.invalid + 1 };
  }
  if (outcome.case !== "scored") {
    return { ...worker, faults: worker.faults + 1 };
  }
  const { timings, model, renderer } = outcome.value;
  const scored = worker.scored + 1;
  const mean = (before: number, next = 0): number => before + (next - before) / scored;
  return {
    ...{ ...worker, scored },
    meanTotalMs: mean(worker.meanTotalMs, timings?.totalMs),
    meanRenderMs: mean(worker.meanRenderMs, timings?.renderMs),
    meanScoreMs: mean(worker.meanScoreMs, timings?.scoreMs),
    model: model?.name ?? "",
    renderer: renderer?.backend ?? "",
    version: renderer?.version ?? "",
  };
}
