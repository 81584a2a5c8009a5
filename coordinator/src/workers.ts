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
  /** That is a demonstration model, which knows few words. */
  readonly demonstration: boolean;
  readonly renderer: string;
  readonly version: string;
}

export interface Workers {
  /** A result has come. */
  seen(result: RenderScoreResult, now: number): void;
  /** How many had a result within the last ten minutes. */
  count(now: number): number;
  /** The share of the last five minutes that a worker spent on jobs, 0 to 1. */
  busyShare(id: string, now: number): number;
  /** The one with the latest result first. */
  list(): readonly WorkerFacts[];
}

const activeMs = 600_000;
/** Workers that are remembered: names may be new with each start, and the ones longest silent go first. */
const maxWorkers = 1_000;
/** Time spent on jobs is added up in slots of this length, in ms, and looked at over so many of them. */
const slotMs = 30_000;
const busySlots = 10;

interface Known {
  readonly facts: WorkerFacts;
  /** How many ms of jobs ended in each slot of time; those before the ones that are looked at are forgotten. */
  readonly busy: ReadonlyMap<number, number>;
}

export function createWorkers(): Workers {
  /** In the order of their latest results. */
  const known = new Map<string, Known>();
  const facts = (): readonly WorkerFacts[] => [...known.values()].map((one) => one.facts);
  return {
    seen(result, now) {
      const { workerId } = result;
      const before = known.get(workerId) ?? {
        facts: unknownWorker(workerId, now),
        busy: new Map(),
      };
      known.delete(workerId);
      known.set(workerId, {
        facts: { ...addResult(before.facts, result), lastAt: now },
        busy: addTime(before.busy, result, now),
      });
      for (const silent of known.keys()) {
        if (known.size <= maxWorkers) {
          break;
        }
        known.delete(silent);
      }
    },
    count: (now) => facts().filter((one) => isActiveWorker(one, now)).length,
    busyShare(id, now) {
      const worker = known.get(id);
      if (worker === undefined) {
        return 0;
      }
      const slot = Math.floor(now / slotMs);
      const ms = [...worker.busy].reduce(
        (sum, [at, more]) => sum + (slot - at < busySlots ? more : 0),
        0,
      );
      const spanMs = Math.min(
        (busySlots - 1) * slotMs + (now % slotMs),
        now - worker.facts.firstAt,
      );
      return Math.min(1, ms / Math.max(spanMs, slotMs));
    },
    list: () => facts().toReversed(),
  };
}

/** Whether a worker had a result within the last ten minutes. */
export function isActiveWorker({ lastAt }: Pick<WorkerFacts, "lastAt">, now: number): boolean {
  return lastAt >= now - activeMs;
}

function addTime(busy: Known["busy"], { outcome }: RenderScoreResult, now: number): Known["busy"] {
  const ms = outcome.case === "scored" ? (outcome.value.timings?.totalMs ?? 0) : 0;
  const slot = Math.floor(now / slotMs);
  const recent = [...busy].filter(([at]) => slot - at < busySlots);
  return new Map([...recent, [slot, (busy.get(slot) ?? 0) + ms]]);
}

function unknownWorker(id: string, now: number): WorkerFacts {
  return {
    ...{ id, firstAt: now, lastAt: now, scored: 0, invalid: 0, faults: 0 },
    ...{ meanTotalMs: 0, meanRenderMs: 0, meanScoreMs: 0 },
    ...{ model: "", demonstration: false, renderer: "", version: "" },
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
    demonstration: model?.demonstration ?? false,
    renderer: renderer?.backend ?? "",
    version: renderer?.version ?? "",
  };
}
