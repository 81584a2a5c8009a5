/** Whether a validator may and should set weights at this block, and which. Pure functions of what was read. */
import type { Hyperparameters, Metagraph, Neuron } from "@turntable/bittensor/chain";
import type { RuleSet } from "../rules/index.ts";
import { type Rewards, type WeightRow, weightsNow } from "./weights-now.ts";

export type Due =
  | { readonly kind: "now" }
  /** The latest weights, or the registration, were too recently. */
  | { readonly kind: "later"; readonly atBlock: number }
  /** The chain would take none from this hotkey, or we send none, for this reason. */
  | { readonly kind: "barred"; readonly reason: string };

export interface Plan {
  /** The validator's; undefined when it is not registered. */
  readonly neuron: Neuron | undefined;
  readonly due: Due;
  readonly weights: ReturnType<typeof weightsNow>;
}

export interface PlanInput {
  /** The validator's, ss58. */
  readonly hotkey: string;
  readonly metagraph: Metagraph;
  readonly hyperparameters: Hyperparameters;
  readonly rules: Pick<RuleSet, "weights">;
  readonly rewards: Rewards;
}

export function planWeights(input: PlanInput): Plan {
  const { hotkey, metagraph, hyperparameters, rules, rewards } = input;
  const neuron = metagraph.neurons.find((candidate) => candidate.hotkey === hotkey);
  return {
    neuron,
    due: dueOf(neuron, input),
    weights: weightsNow(rewards, metagraph, hyperparameters, rules),
  };
}

/** Blocks between two settings: ours, but never less than the subnet's. */
export function intervalBlocks(
  rules: Pick<RuleSet, "weights">,
  { weightsRateLimit }: Pick<Hyperparameters, "weightsRateLimit">,
): number {
  return Math.max(rules.weights.intervalBlocks, weightsRateLimit);
}

/** Blocks until the next try after so many failures in a row: doubling, and several times in an epoch of `tempo`. */
export function backOffBlocks(failures: number, tempo: number): number {
  return Math.max(1, Math.min(2 ** (failures - 1), 25, Math.floor(tempo / 4)));
}

function dueOf(
  neuron: Neuron | undefined,
  { metagraph, hyperparameters, rules, hotkey }: PlanInput,
): Due {
  const { leastStakeTao, versionKey } = rules.weights;
  const { weightsVersion } = hyperparameters;
  if (neuron === undefined) {
    return barred(`the hotkey ${hotkey} is not registered on subnet ${metagraph.netuid}`);
  }
  if (!neuron.validatorPermit) {
    return barred("the hotkey has no validator permit: it needs more stake, and an epoch");
  }
  if (neuron.stakeTao < leastStakeTao) {
    return barred(`the hotkey's stake is ${neuron.stakeTao} TAO, and ${leastStakeTao} are needed`);
  }
  if (versionKey < weightsVersion) {
    return barred(
      `the subnet asks for version ${weightsVersion} or later, and the rules say ${versionKey}: ` +
        "update, or set weights.versionKey in a rules file",
    );
  }
  const atBlock = neuron.lastUpdate + intervalBlocks(rules, hyperparameters);
  // 0 is the chain's "never"
  if (neuron.lastUpdate === 0 || metagraph.block >= atBlock) {
    return { kind: "now" };
  }
  return { kind: "later", atBlock };
}

function barred(reason: string): Due {
  return { kind: "barred", reason };
}

/** As the chain takes them. */
export function valuesOf(
  rows: readonly WeightRow[],
): readonly { readonly uid: number; readonly weight: number }[] {
  return rows.map(({ uid, weight }) => ({ uid, weight }));
}
