/**
 * The weights that follow from rewards at this moment.
 *
 * W1 A reward belongs to a hotkey and is paid to the uid that the hotkey has now; who gets the uid of another inherits
 *    nothing.
 * W2 While nobody has a reward there are no weights, never the same for all.
 */
import {
  emitWeights,
  explainWeights,
  type Hyperparameters,
  type Metagraph,
  processWeights,
  rankWeights,
  shareWeights,
} from "@turntable/bittensor/chain";
import type { RuleSet } from "../rules/index.ts";

/** Rewards by hotkey (ss58). */
export type Rewards = ReadonlyMap<string, number>;

export interface WeightRow {
  readonly uid: number;
  /** ss58 */
  readonly hotkey: string;
  readonly reward: number;
  /** 1 to 65535, as the chain takes it; the largest is 65535. */
  readonly weight: number;
}

export type WeightsNow =
  | {
      readonly kind: "ready";
      /** By ascending uid, those above zero alone. */
      readonly rows: readonly WeightRow[];
      /** How they came about, in words. */
      readonly steps: readonly string[];
    }
  /** There is nothing to set, for this reason. */
  | { readonly kind: "none"; readonly reason: string };

type Limits = Pick<Hyperparameters, "minAllowedWeights" | "maxWeightsLimit">;

/** @throws WeightsError when rewards are no finite numbers */
export function weightsNow(
  rewards: Rewards,
  { neurons }: Pick<Metagraph, "neurons">,
  limits: Limits,
  rules: Pick<RuleSet, "weights">,
): WeightsNow {
  const hotkeys = new Map(neurons.map(({ uid, hotkey }) => [uid, hotkey]));
  const slots = Math.max(-1, ...hotkeys.keys()) + 1;
  const byUid = Array.from({ length: slots }, (_, uid) => rewards.get(hotkeys.get(uid) ?? "") ?? 0); // W1
  if (!byUid.some((reward) => reward > 0)) {
    return { kind: "none", reason: "no registered hotkey has a reward yet" }; // W2
  }
  const made = rules.weights.form === "rank" ? byRank(byUid, limits) : byShare(byUid, limits);
  if (typeof made === "string") {
    return { kind: "none", reason: made };
  }
  const { uids, weights } = emitWeights(made);
  const rows = uids.map((uid, index) => ({
    uid,
    hotkey: hotkeys.get(uid) ?? "",
    reward: byUid[uid] ?? 0,
    weight: weights[index] ?? 0,
  }));
  return { kind: "ready", rows: rows.toSorted((a, b) => a.uid - b.uid), steps: made.steps };
}

interface Made {
  readonly uids: readonly number[];
  readonly weights: readonly number[];
  readonly steps: readonly string[];
}

function byShare(byUid: readonly number[], limits: Limits): Made | string {
  const options = { neurons: byUid.length, ...limits };
  const shares = shareWeights(byUid);
  const processed = processWeights(shares, options);
  if (processed.branch === "uniform") {
    // W2: with fewer neurons than the subnet asks weights for, the SDK pays everybody the same.
    return `the subnet asks for ${limits.minAllowedWeights} weights and has ${byUid.length} neurons`;
  }
  return { ...processed, steps: explainWeights(shares, options).steps };
}

function byRank(byUid: readonly number[], { minAllowedWeights }: Limits): Made | string {
  const ranked = rankWeights(byUid);
  const count = ranked.uids.length;
  if (count === 0) {
    return "no registered hotkey has a reward above 5 yet";
  }
  if (count < Math.min(minAllowedWeights, byUid.length)) {
    return `${count} hotkeys have a reward above 5, and the subnet asks for ${minAllowedWeights} weights`;
  }
  return {
    ...ranked,
    steps: [`${count} rewards above 5, weighed by their rank`, "the largest becomes 65535"],
  };
}
