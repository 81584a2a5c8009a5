/**
 * Whether the chain has what was sent to it. An inclusion can be undone by a fork, a commit may never be revealed, and
 * somebody else may set weights with the same hotkey; the chain says none of that. Pure functions of what was read.
 */
import type { Hyperparameters } from "@turntable/bittensor/chain";
import type { WeightAttempt } from "./attempts.ts";
import type { WeightRow } from "./weights-now.ts";

export type Standing =
  /** `landed`: this attempt, whose outcome was lost, turned out to be there. */
  | { readonly kind: "asSent"; readonly landed?: WeightAttempt }
  /** It took this attempt, and does not have it; `isUndone`: nor does it know of the setting. */
  | { readonly kind: "missing"; readonly attempt: WeightAttempt; readonly isUndone: boolean }
  /** Weights of the hotkey were set or committed in this block, and not by us. */
  | { readonly kind: "foreign"; readonly atBlock: number };

export interface StandingInput {
  /** Of the validator on the subnet, newest first. */
  readonly attempts: readonly WeightAttempt[];
  /** The chain's block of the hotkey's latest weights, or of its registration. */
  readonly lastUpdate: number;
  /** What that was when we looked first: what came before us is nobody's business. */
  readonly firstUpdate: number;
  /** The hotkey's weights on the chain, by uid; empty when it has none. */
  readonly onChain: ReadonlyMap<number, number>;
  readonly block: number;
  readonly hyperparameters: Pick<Hyperparameters, "tempo" | "commitRevealPeriod">;
}

/** By then no fork undoes an inclusion: the chain's finality is some three blocks behind its head. */
export const settledBlocks = 6;
/** A call is valid for 32 blocks, so one whose outcome is not known may still come as late. */
const lateBlocks = 40;
/** Reveals wait for the beacon and for their turn. */
const revealSlackBlocks = 25;

export function standingOf(input: StandingInput): Standing {
  const { lastUpdate, onChain, block } = input;
  const sent = input.attempts.filter(({ outcome }) => outcome !== "refused");
  const since = sent[0]?.block ?? input.firstUpdate;
  if (lastUpdate > since && !sent.some((attempt) => isOf(attempt, lastUpdate))) {
    // A hotkey that was registered anew has none.
    return onChain.size === 0 ? { kind: "asSent" } : { kind: "foreign", atBlock: lastUpdate };
  }
  const included = sent.filter(({ outcome }) => outcome === "included");
  const undone = included.find(
    ({ block: before, includedBlock = block }) =>
      block - includedBlock >= settledBlocks && lastUpdate < before,
  );
  if (undone !== undefined) {
    return { kind: "missing", attempt: undone, isUndone: true };
  }
  const owed = included.find(
    (attempt) => block - (attempt.includedBlock ?? block) >= blocksToShow(attempt, input),
  );
  const there = sent.find(({ rows }) => isSame(rows, onChain));
  if (owed === undefined || (there !== undefined && comesAfter(there, owed, input))) {
    const isLost = there?.outcome === undefined || there.outcome === "unknown";
    return there !== undefined && isLost && isOf(there, lastUpdate)
      ? { kind: "asSent", landed: there }
      : { kind: "asSent" };
  }
  return { kind: "missing", attempt: owed, isUndone: false };
}

/** Whether the chain's latest update may be that of the attempt, which a fork may have moved by some blocks. */
function isOf({ block, includedBlock }: WeightAttempt, lastUpdate: number): boolean {
  const end = includedBlock === undefined ? block + lateBlocks : includedBlock + settledBlocks;
  return lastUpdate >= block && lastUpdate <= Math.max(end, block + settledBlocks);
}

/** From the inclusion until the weights must be on the chain. */
function blocksToShow(
  { revealRound }: WeightAttempt,
  { hyperparameters: { tempo, commitRevealPeriod } }: Pick<StandingInput, "hyperparameters">,
): number {
  return revealRound === undefined
    ? settledBlocks
    : (commitRevealPeriod + 1) * tempo + revealSlackBlocks;
}

/** Whether weights of `there` may replace those of `owed`: they were sent later, or committed and revealed later. */
function comesAfter(there: WeightAttempt, owed: WeightAttempt, input: StandingInput): boolean {
  return (
    there.id >= owed.id ||
    (there.includedBlock ?? there.block) + blocksToShow(there, input) >
      (owed.includedBlock ?? owed.block) + blocksToShow(owed, input)
  );
}

/** How many of the latest attempts tell all that can be told. */
export function attemptsToJudge(
  { tempo, commitRevealPeriod }: StandingInput["hyperparameters"],
  interval: number,
): number {
  const blocks = (commitRevealPeriod + 1) * tempo + revealSlackBlocks;
  return Math.min(64, 4 + Math.ceil(blocks / interval));
}

/** Whether the chain's weights are those that were sent. */
export function isSame(rows: readonly WeightRow[], onChain: ReadonlyMap<number, number>): boolean {
  return (
    rows.length === onChain.size && rows.every(({ uid, weight }) => onChain.get(uid) === weight)
  );
}
