/** What a task's assignments add up to. Pure functions of values. */
import type { Assignment, TaskRow, TaskState } from "./task.ts";

/** The state of a task that has not ended. */
export function stateOf(assignments: readonly Assignment[]): TaskState {
  if (assignments.some((a) => a.state === "scoring")) return "scoring";
  return assignments.some((a) => a.state === "generating") ? "assigned" : "queued";
}

/** The accepted one with the highest score; of equal ones the earliest. */
export function bestOf(assignments: readonly Assignment[]): Assignment | undefined {
  let best: Assignment | undefined;
  for (const candidate of assignments) {
    if (candidate.state !== "accepted") continue;
    if (best === undefined || (candidate.score ?? 0) > (best.score ?? 0)) best = candidate;
  }
  return best;
}

/** Why a task ended without a result. */
export function failureOf(
  row: TaskRow,
  assignments: readonly Assignment[],
): { readonly code: string; readonly message: string } {
  const tried = assignments.length;
  if (row.class === "synthetic") return { code: "unsuccessful", message: "no accepted result" };
  if (tried === 0) return { code: "expired", message: "no miner took the task in time" };
  const best = Math.max(...assignments.map((a) => a.score ?? Number.NEGATIVE_INFINITY));
  const scored = Number.isFinite(best) ? `; the best score was ${best.toFixed(2)}` : "";
  return { code: "expired", message: `${tried} tries, none accepted in time${scored}` };
}
