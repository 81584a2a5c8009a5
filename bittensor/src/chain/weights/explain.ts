/** The dry run of setting weights: every step from rewards to the u16 values, with its reason. */
import { emitWeights, type ProcessOptions, processWeights, type Weights } from "./process.ts";

export interface Explanation {
  readonly steps: readonly string[];
  /** By uid, ascending: what came in, what it became, and what would be sent. */
  readonly rows: readonly {
    readonly uid: number;
    readonly reward: number;
    readonly weight: number;
    readonly sent: number;
  }[];
}

/** @throws WeightsError as the steps themselves */
export function explainWeights(given: Weights, options: ProcessOptions): Explanation {
  const processed = processWeights(given, options);
  const sent = emitWeights(processed);
  const rewardOf = mapOf(given);
  const weightOf = mapOf(processed);
  const sentOf = mapOf(sent);
  const uids = Array.from(new Set([...given.uids, ...processed.uids])).toSorted((a, b) => a - b);
  const { neurons, minAllowedWeights, maxWeightsLimit, excludeQuantile = 0 } = options;
  const positive = given.weights.filter((weight) => weight > 0).length;
  const reasons = {
    uniform:
      positive === 0
        ? "no reward is above zero: every neuron gets the same weight"
        : `${neurons} neurons are fewer than the ${minAllowedWeights} weights asked for: every neuron gets the same weight`,
    pad: `${positive} rewards above zero are fewer than the ${minAllowedWeights} weights asked for: every neuron gets a trace of 0.00001 more`,
    normal: `${positive} rewards above zero are at least the ${minAllowedWeights} weights asked for: they alone get weights`,
  };
  const largest = Math.max(0, ...processed.weights);
  const dropped = processed.uids.length - sent.uids.length;
  return {
    steps: [
      `${given.uids.length} rewards for ${neurons} neurons`,
      reasons[processed.branch],
      ...(excludeQuantile > 0 ? [`the lowest ${excludeQuantile}/65535 of them are left out`] : []),
      maxWeightsLimit === 65535
        ? "the subnet has no limit for one weight"
        : `one weight may be ${maxWeightsLimit}/65535 of all; the largest now is ${largest.toFixed(6)}`,
      `the largest becomes 65535, halves are rounded to even${dropped === 0 ? "" : `, ${dropped} round to zero and are left out`}`,
    ],
    rows: uids.map((uid) => ({
      uid,
      reward: rewardOf.get(uid) ?? 0,
      weight: weightOf.get(uid) ?? 0,
      sent: sentOf.get(uid) ?? 0,
    })),
  };
}

function mapOf({ uids, weights }: Weights): ReadonlyMap<number, number> {
  return new Map(uids.map((uid, index) => [uid, weights[index] ?? 0]));
}
