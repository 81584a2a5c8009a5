/** What a change of a task means, in a few words. */
import type { TaskEvent } from "../client.ts";
import { formatScore, printable, shortHotkey } from "./text.ts";

/** `assigned to miner 5Grwva…utQY`, `accepted 0.93` */
export function describeEvent(event: TaskEvent): string {
  const reason = event.message === "" ? "" : `: ${printable(event.message)}`;
  return `${outcome(event)}${reason}`;
}

function outcome(event: TaskEvent): string {
  const miner = shortHotkey(printable(event.minerHotkey));
  const score =
    event.score === undefined ? "" : ` ${formatScore(event.score, event.demonstration)}`;
  switch (event.kind) {
    case "created":
      return "queued, waiting for a miner";
    case "assigned":
      return `assigned to miner ${miner}`;
    case "submitted":
      return `scoring the asset of miner ${miner}`;
    case "accepted":
      return `accepted${score}`;
    case "rejected":
      return `rejected${score}, miner ${miner}`;
    case "invalid-asset":
      return `invalid asset of miner ${miner}`;
    case "duplicate":
      return `the asset of miner ${miner} was submitted before`;
    case "system-fault":
      return `scoring failed, no fault of miner ${miner}`;
    case "abandoned":
      return `miner ${miner} gave up`;
    case "succeeded":
      return `succeeded${score}`;
    default: // `failed`, and kinds of newer servers
      return `${printable(event.kind)}${score}`;
  }
}
