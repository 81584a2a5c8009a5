/**
 * What a miner may know of itself: its verdicts with what followed from each, page by page. Nothing here knows of HTTP; the
 * hotkey is the one that the axon has verified, so that nobody sees another's.
 */
import type { ValuesOf, verdictHistory } from "@turntable/bittensor/synapse";
import type { HistoryEntry } from "../miners/index.ts";
import { createWindowLimit } from "./window-limit.ts";

/** A weight that was set after a verdict. */
export interface WeightThatFollowed {
  /** 0 to 65535 */
  readonly weight: number;
  readonly block: number;
}

export interface OwnHistoryOptions {
  /** The miner's verdicts before the one with this number, newest first. */
  readonly historyOf: (hotkey: string, limit: number, before?: number) => readonly HistoryEntry[];
  /** The miner's weight when weights were next set from then on, ms since 1970 UTC; undefined while they were not. */
  readonly weightAfter: (hotkey: string, at: number) => WeightThatFollowed | undefined;
  /** The task of an assignment; undefined when it was removed. */
  readonly taskOf: (assignmentId: string) => string | undefined;
  /** ms since 1970 UTC */
  readonly now: () => number;
}

export type HistoryAnswer = Pick<ValuesOf<typeof verdictHistory>, "verdicts" | "more">;

export interface OwnHistory {
  /** Counts a request: why it is one too many, or undefined. */
  limited(hotkey: string): string | undefined;
  /** @param before 0 begins with the newest */
  page(hotkey: string, limit: number, before: number): HistoryAnswer;
}

/** A page of so many costs some milliseconds, most of them for the weights. */
const largestPage = 50;
const requestsPerWindow = 6;
const windowMs = 60_000;

export function createOwnHistory(options: OwnHistoryOptions): OwnHistory {
  const requests = createWindowLimit(requestsPerWindow, windowMs, options.now);
  const message = (entry: HistoryEntry): HistoryAnswer["verdicts"][number] => {
    const followed = options.weightAfter(entry.hotkey, entry.at);
    return {
      ...{ number: entry.number, at: entry.at },
      task_id: options.taskOf(entry.assignmentId ?? "") ?? "",
      ...{ verdict: entry.verdict, code: entry.code, reason: entry.reason },
      ...{ score: entry.score, fidelity: entry.fidelity },
      average_fidelity: entry.averageFidelity,
      ...{ observations: entry.observations, reward: entry.reward },
      cooldown_until: entry.cooldownUntil,
      weight: followed?.weight ?? null,
      weight_block: followed?.block ?? null,
    };
  };
  return {
    limited: (hotkey) => (requests.take(hotkey) ? undefined : "Rate limit"),
    page(hotkey, limit, before) {
      const size = Math.max(1, Math.min(largestPage, limit));
      const found = options.historyOf(hotkey, size + 1, before > 0 ? before : undefined);
      return { verdicts: found.slice(0, size).map(message), more: found.length > size };
    },
  };
}
