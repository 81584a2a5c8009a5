/** How many tasks ended in each of the last sixty minutes, and how. */
import type { EndCount, TaskReading } from "../tasks/index.ts";

/** What ended within a minute. */
export interface Minute {
  /** Its beginning, ms since 1970 UTC. */
  readonly at: number;
  readonly ended: readonly EndCount[];
}

const minuteMs = 60_000;
const minutes = 60;
/** Ends are written in the order of the clock, but for a clock that steps: so many minutes are counted again. */
const unsettled = 2;

/** Keeps minutes that are over; those of the last hour are read once. */
export function createMinutes(
  tasks: Pick<TaskReading, "countEnded">,
): (now: number) => readonly Minute[] {
  let known: ReadonlyMap<number, Minute> = new Map();
  return (now) => {
    const last = Math.floor(now / minuteMs) * minuteMs;
    const wanted = Array.from({ length: minutes }, (_, i) => last - (minutes - 1 - i) * minuteMs);
    const found = wanted.map(
      (at) => known.get(at) ?? { at, ended: tasks.countEnded(at, at + minuteMs) },
    );
    const settled = found.filter(({ at }) => at <= last - unsettled * minuteMs);
    known = new Map(settled.map((minute) => [minute.at, minute]));
    return found;
  };
}
