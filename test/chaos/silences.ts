/**
 * Whether a run's faults explain that a submission ended as a fault of ours: two workers have to have fallen silent with
 * its job, and each of them because of something that was done to it or to NATS just then. Where nothing was, the
 * machine itself may have been too busy for keeping a job alive within the short ack wait; that is told apart.
 */
import { readFileSync } from "node:fs";
import { cutOff, type Fault } from "./faults.ts";
import { ackWaitMs, coordinatorName, natsNames } from "./subnet.ts";

/** As `maxSilences` of the queue has it. */
const silencesNeeded = 2;
/** After a fault is over, until connections and elections have settled. */
const settlingMs = 2 * ackWaitMs;
/** The share of a time in which something waited for a processor, from which on the machine is busy. */
const busyShare = 0.8;
const sampleEveryMs = 250;

interface Span {
  readonly from: number;
  readonly to: number;
}

interface Take {
  readonly worker: string;
  readonly from: number;
  to?: number;
  ending?: string;
}

/** One job's way, as the logs tell it. */
interface JobStory {
  takenAt: number;
  readonly takes: Take[];
  verdict?: { readonly at: number; readonly reason: string; readonly attempt: number };
}

export type Explanation = "faults" | "load";

export interface Silences extends Disposable {
  /** To be called with each line that a program logs. */
  read(member: string, line: string): void;
  /** To be called when a fault begins or is over. */
  note(fault: Fault, what: "begins" | "is over"): void;
  /** What explains that the submission ended as a fault of ours; in words why nothing does. */
  explain(submissionId: string): Explanation | { readonly why: string };
}

/**
 * @param now ms of a clock that is never set
 * @param stalled how long something has waited for a processor since some time, in ms; undefined when nobody knows
 */
export function watchSilences(
  now: () => number = () => performance.now(),
  stalled: () => number | undefined = machineStalledMs,
): Silences {
  const stories = new Map<string, JobStory>();
  const faults = new Map<Fault, Span>();
  const samples: { readonly at: number; readonly stalledMs: number }[] = [];
  const sample = (): void => {
    const stalledMs = stalled();
    if (stalledMs !== undefined) {
      samples.push({ at: now(), stalledMs });
    }
  };
  sample();
  const timer = setInterval(sample, sampleEveryMs).unref();

  const storyOf = (id: string): JobStory => {
    const story = stories.get(id) ?? { takenAt: now(), takes: [] };
    stories.set(id, story);
    return story;
  };
  /** Whether something was done then that silences this worker, or whoever had the job. */
  const isHit = (worker: string | undefined, { from, to }: Span): boolean =>
    [...faults].some(
      ([fault, span]) =>
        span.from <= to && span.to + settlingMs >= from && canSilence(fault, worker),
    );
  const isBusy = ({ from, to }: Span): boolean => {
    const before = samples.findLast(({ at }) => at <= from) ?? samples[0];
    const after = samples.find(({ at }) => at >= to) ?? samples.at(-1);
    if (before === undefined || after === undefined || after.at <= before.at) {
      return false;
    }
    return (after.stalledMs - before.stalledMs) / (after.at - before.at) >= busyShare;
  };

  return {
    read(member, line) {
      if (!line.includes('"job_id"')) {
        return;
      }
      const { msg, job_id: id, outcome, attempt, reason } = JSON.parse(line); // as pino wrote it
      const story = storyOf(id);
      if (member === coordinatorName) {
        if (msg === "verdict" && outcome === "system-fault") {
          story.verdict = { at: now(), reason, attempt };
        }
      } else if (msg === "job taken") {
        story.takes.push({ worker: member, from: now() });
      } else {
        const take = story.takes.findLast(({ worker }) => worker === member);
        if (take !== undefined) {
          take.to = now();
          take.ending = msg === "job left to others" ? "left" : outcome;
        }
      }
    },
    note(fault, what) {
      const span = faults.get(fault);
      faults.set(fault, {
        from: span?.from ?? now(),
        to: what === "is over" ? now() : Number.POSITIVE_INFINITY,
      });
    },
    explain(id) {
      sample();
      const story = stories.get(id);
      if (story === undefined) {
        return { why: "no log tells of it" };
      }
      const { takes, takenAt, verdict } = story;
      if (verdict !== undefined && verdict.reason !== "scoring failed") {
        return { why: verdict.reason };
      }
      const until = verdict?.at ?? now();
      // One that was cut off may score it after all, later.
      const silent = takes.filter(
        ({ from, to = until, ending }) =>
          from < until && (to >= until || to - from >= ackWaitMs || ending === "lost"),
      );
      const spans: [string | undefined, Span][] = silent.map(({ worker, from, to }) => [
        worker,
        { from, to: Math.max(to ?? 0, from + ackWaitMs) },
      ]);
      // Given out, and lost on its way to a worker.
      const unseen = Math.max(0, (verdict?.attempt ?? 0) - takes.length);
      for (let n = 0; n < unseen; n++) {
        spans.push([undefined, { from: takenAt, to: until }]);
      }
      const hit = spans.filter(([worker, span]) => isHit(worker, span));
      const busy = spans.filter((one) => !hit.includes(one) && isBusy(one[1]));
      if (hit.length >= silencesNeeded) {
        return "faults";
      }
      if (hit.length + busy.length >= silencesNeeded) {
        return "load";
      }
      const told = takes.map(({ worker, ending = "silent" }) => `${worker} ${ending}`);
      return { why: `${told.join(", ")}, ${unseen} unseen, ${hit.length} of them by a fault` };
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** @param worker undefined when it is not known which one had the job */
function canSilence(fault: Fault, worker: string | undefined): boolean {
  return membersHit(fault).some(
    (name) => isNats(name) || name === worker || (worker === undefined && name !== coordinatorName),
  );
}

/**
 * Those who may fall silent by it: programs that are stopped in order hand their jobs back, no timer goes by a set clock,
 * and who is slow keeps its job alive.
 */
function membersHit(fault: Fault): readonly string[] {
  switch (fault.kind) {
    case "partition":
      return cutOff(fault);
    case "kill-leader":
    case "lose-queue":
      return natsNames;
    case "update":
    case "clock-step":
    case "slow-worker":
      return [];
    default:
      return [fault.target];
  }
}

const isNats = (name: string): boolean => natsNames.some((server) => server === name);

/** What Linux tells of it, where it does. */
function machineStalledMs(): number | undefined {
  try {
    const [, micros] =
      /^some .*total=(\d+)/m.exec(readFileSync("/proc/pressure/cpu", "utf8")) ?? [];
    return micros === undefined ? undefined : Number(micros) / 1000;
  } catch {
    return undefined;
  }
}
