/** What follows for a task from its assignments. Pure functions of values. */
import { type Assignment, isOpen, type TaskRow, type TaskState } from "./task.ts";

/** The state of a task that has not ended: that of its furthest assignment. */
export function stateOf(assignments: readonly Assignment[]): TaskState {
  if (assignments.some((a) => a.state === "scoring")) {
    return "scoring";
  }
  return assignments.some((a) => a.state === "generating") ? "assigned" : "queued";
}

/** The accepted assignment with the highest score; of equal ones the first submitted. Undefined when none was accepted. */
export function bestOf(assignments: readonly Assignment[]): Assignment | undefined {
  let best: Assignment | undefined;
  for (const candidate of assignments) {
    if (candidate.state !== "accepted") {
      continue;
    }
    if (best === undefined || isBetter(candidate, best)) {
      best = candidate;
    }
  }
  return best;
}

function isBetter(one: Assignment, other: Assignment): boolean {
  const ahead = (one.score ?? 0) - (other.score ?? 0);
  return ahead > 0 || (ahead === 0 && placeOf(one) < placeOf(other));
}

function placeOf({ submittedAs = Number.POSITIVE_INFINITY }: Assignment): number {
  return submittedAs;
}

export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** Why a task ended without a result when its time was over. */
export function expiryOf(row: TaskRow, assignments: readonly Assignment[]): Failure {
  if (row.class === "synthetic") {
    return { code: "unsuccessful", message: "no accepted result" };
  }
  if (assignments.length === 0) {
    return { code: "expired", message: "no miner took the task in time" };
  }
  const message = `${tries(assignments)}, none accepted in time${bestScore(assignments)}`;
  return { code: "expired", message };
}

/**
 * Why there is nobody left to take a task: each of `miners` has had it. Undefined when there is somebody.
 * @param faultTries after so many faults of ours a miner may take the task again
 */
export function exhaustionOf(
  assignments: readonly Assignment[],
  miners: ReadonlySet<string>,
  faultTries: number,
): Failure | undefined {
  const had = new Set(
    assignments
      .filter((a) => a.state !== "system-fault" || a.attempt > faultTries)
      .map((a) => a.hotkey),
  );
  const isLeft = [...miners].some((hotkey) => !had.has(hotkey));
  if (had.size === 0 || isLeft || assignments.some(isOpen)) {
    return undefined;
  }
  const last = assignments.at(-1)?.reason;
  const message = `every registered miner has had it: ${tries(assignments)}, none accepted`;
  return {
    code: "exhausted",
    message: `${message}${bestScore(assignments)}${last ? `; the last: ${last}` : ""}`,
  };
}

function tries({ length }: readonly Assignment[]): string {
  return length === 1 ? "1 try" : `${length} tries`;
}

function bestScore(assignments: readonly Assignment[]): string {
  const scores = assignments.flatMap((a) => a.score ?? []);
  return scores.length === 0 ? "" : `; the best score was ${Math.max(...scores).toFixed(2)}`;
}
