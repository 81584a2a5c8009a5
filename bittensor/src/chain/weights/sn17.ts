/** How subnet 17's validators have turned rewards into weights. */
import type { Weights } from "./process.ts";

/** 2024: each reward's share of all, in float32; process them afterwards. Slots are the uids. */
export function shareWeights(rewards: readonly number[]): Weights {
  const rounded = rewards.map(Math.fround);
  const sum = Math.fround(rounded.reduce((total, reward) => total + Math.abs(reward), 0));
  return {
    uids: Array.from(rewards.keys()),
    weights: rounded.map((reward) => (sum === 0 ? 0 : Math.fround(reward / sum))),
  };
}

/** Rewards up to here get nothing in 2025. */
const leastReward = 5;

/** 2025: by rank alone, on a flat S curve; sent without further processing. */
export function rankWeights(rewards: readonly number[]): Weights {
  const ranked = Array.from(rewards.entries())
    .filter(([, reward]) => reward > leastReward)
    .toSorted(([, a], [, b]) => a - b);
  const prizes = ranked.map(
    (_, rank) => 0.003 + 0.005 / (1 + Math.exp(-0.06 * (rank - ranked.length / 2))),
  );
  const sum = prizes.reduce((total, prize) => total + prize, 0);
  const byUid = ranked
    .map(([uid], rank) => ({ uid, weight: (prizes[rank] ?? 0) / sum }))
    .toSorted((a, b) => a.uid - b.uid);
  return { uids: byUid.map(({ uid }) => uid), weights: byUid.map(({ weight }) => weight) };
}
