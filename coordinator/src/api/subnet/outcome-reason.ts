/** Why a task ended as it did, in a sentence. A pure function. */
import type { VisibleTask } from "./visible.ts";

/** Empty while it has not ended. */
export function outcomeReason({
  state,
  endedAt,
  failure,
  assignments,
  bestAssignment,
}: Pick<VisibleTask, "state" | "endedAt" | "failure" | "assignments" | "bestAssignment">): string {
  switch (state) {
    case "queued":
    case "assigned":
    case "scoring":
      return "";
    case "cancelled":
      return "The client took the task back.";
    case "failed":
      return sentence(failure?.message ?? "there was no accepted copy");
    case "succeeded": {
      const end = endedAt?.getTime() ?? Number.POSITIVE_INFINITY;
      // What was accepted after the task's end comes too late, however good it is.
      const accepted = assignments.filter(
        (one) => one.state === "accepted" && (one.endedAt?.getTime() ?? 0) <= end,
      );
      const score = accepted.find(({ id }) => id === bestAssignment)?.score ?? 0;
      const others = accepted.filter(({ id }) => id !== bestAssignment);
      const next = others.reduce((best, one) => Math.max(best, one.score ?? 0), 0);
      if (others.length === 0) {
        const of = assignments.length === 1 ? "" : ` of ${assignments.length} by the task's end`;
        return `It is the only accepted copy${of}, with a score of ${score.toFixed(3)}.`;
      }
      return next === score
        ? `Of ${accepted.length} accepted copies it is the first that was handed in with the highest score, ${score.toFixed(3)}.`
        : `Of ${accepted.length} accepted copies it has the highest score, ${score.toFixed(3)}; the next one has ${next.toFixed(3)}.`;
    }
    default:
      throw new TypeError(`unknown state ${String(state satisfies never)}`);
  }
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
}
