/** Who earns: the registered miners with a record, by their reward. */
import type { Miner } from "../miners/index.ts";
import type { WeightShares } from "../weights/index.ts";

/** Where a miner stands among the others. */
export interface Leader extends Miner {
  /** From 1; undefined when it is not on the board. */
  readonly rank: number | undefined;
  /** Undefined when it is on none of our subnets. */
  readonly uid: number | undefined;
  /** Its share of the weights that the chain took last, 0 to 1. */
  readonly weightShare: number;
}

export interface LeaderSources {
  /** Registered miners, ss58. */
  readonly miners: () => ReadonlySet<string>;
  readonly standingOf: (hotkey: string, now: number) => Miner;
  /** The uid on the first of our subnets that the miner (ss58) is on. */
  readonly uidOf: (hotkey: string) => number | undefined;
  /** Settings of weights, oldest first. */
  readonly weights: () => readonly WeightShares[];
}

/** All registered miners with a record, the one with the highest reward first; `now` is ms since 1970 UTC. */
export function rankMiners(sources: LeaderSources, now: number): readonly Leader[] {
  const shareOf = latestShares(sources.weights());
  return [...sources.miners()]
    .map((hotkey) => sources.standingOf(hotkey, now))
    .filter(({ reward, scored }) => reward > 0 || scored > 0)
    .toSorted((a, b) => b.reward - a.reward || (a.hotkey < b.hotkey ? -1 : 1))
    .map((miner, index) => ({
      ...{ ...miner, rank: index + 1, uid: sources.uidOf(miner.hotkey) },
      weightShare: shareOf(miner.hotkey),
    }));
}

/** One miner, with its place on a board. */
export function leaderOf(
  sources: LeaderSources,
  board: readonly Leader[],
  hotkey: string,
  now: number,
): Leader {
  return {
    ...sources.standingOf(hotkey, now),
    rank: board.find((one) => one.hotkey === hotkey)?.rank,
    uid: sources.uidOf(hotkey),
    weightShare: latestShares(sources.weights())(hotkey),
  };
}

/** What each miner has by the latest setting of the first validator that gave it something. */
function latestShares(weights: readonly WeightShares[]): (hotkey: string) => number {
  const latest = new Map(weights.map((one) => [`${one.netuid} ${one.validator}`, one.shares]));
  return (hotkey) => {
    for (const shares of latest.values()) {
      const share = shares.get(hotkey);
      if (share !== undefined) {
        return share;
      }
    }
    return 0;
  };
}
