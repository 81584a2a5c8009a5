/**
 * From rewards to the weights that the chain takes, as the Python SDK processes them: its float32 rounding, its order of
 * steps and its rounding half to even, so that a validator of ours sets what one of theirs would.
 */

export interface ProcessOptions {
  /** Neurons on the subnet. */
  readonly neurons: number;
  readonly minAllowedWeights: number;
  /** Share of the whole that one weight may have, as u16; 65535 is no limit. */
  readonly maxWeightsLimit: number;
  /** Share of the smallest weights to leave out, as u16. */
  readonly excludeQuantile?: number;
}

export interface Weights {
  readonly uids: readonly number[];
  readonly weights: readonly number[];
}

/** Which way the processing went; the dry run shows it. */
export type ProcessBranch =
  /** Nothing is above zero, or there are fewer neurons than weights are asked for: everybody gets the same. */
  | "uniform"
  /** Fewer weights than asked for: everybody gets a trace. */
  | "pad"
  | "normal";

export interface Processed extends Weights {
  readonly branch: ProcessBranch;
}

/** Weights that can't be processed or sent; Python raises there as well. */
export class WeightsError extends Error {
  override name = "WeightsError";
}

/** The trace that pads too few weights; from the SDK. */
const padding = 1e-5;
const u16Max = 65535;

/**
 * Normalises, limits and pads. NaN and negative weights count as zero.
 * @throws WeightsError where Python's indexing fails: padding with more weights than neurons
 */
export function processWeights(given: Weights, options: ProcessOptions): Processed {
  const { neurons, minAllowedWeights, maxWeightsLimit, excludeQuantile = 0 } = options;
  const limit = maxWeightsLimit / u16Max;
  const weights = given.weights.map(Math.fround);
  const positive = Array.from(weights.keys()).filter((index) => (weights[index] ?? 0) > 0);
  const everybody = Array.from({ length: neurons }, (_, uid) => uid);
  if (positive.length === 0 || neurons < minAllowedWeights) {
    return { branch: "uniform", uids: everybody, weights: everybody.map(() => 1 / neurons) };
  }

  if (positive.length < minAllowedWeights) {
    // By position, not by uid: that is how the SDK does it.
    const padded = everybody.map((position) => {
      const weight = weights[position] ?? 0;
      return padding + (weight > 0 ? weight : 0);
    });
    if (positive.some((position) => position >= neurons)) {
      throw new WeightsError("there are more weights than neurons, and too few of them to set");
    }
    return { branch: "pad", uids: everybody, weights: normalize(padded, limit) };
  }

  const kept = positive.map((index) => ({
    uid: given.uids[index] ?? 0,
    weight: weights[index] ?? 0,
  }));
  const spare = Math.max(0, kept.length - minAllowedWeights) / kept.length;
  const threshold = quantileOf(
    kept.map(({ weight }) => weight),
    Math.min(excludeQuantile / u16Max, spare),
  );
  const loud = kept.filter(({ weight }) => weight >= threshold);
  return {
    branch: "normal",
    uids: loud.map(({ uid }) => uid),
    weights: normalize(
      loud.map(({ weight }) => weight),
      limit,
      float32Max,
    ),
  };
}

/**
 * The u16 values to send: the largest becomes 65535, and what rounds to zero is left out.
 * @throws WeightsError for negative or infinite weights, and for none
 */
export function emitWeights({ uids, weights }: Weights): Weights {
  if (uids.length !== weights.length) {
    throw new WeightsError(`${uids.length} uids do not go with ${weights.length} weights`);
  }
  if (weights.length === 0) {
    throw new WeightsError("there are no weights");
  }
  if (weights.some((weight) => weight < 0)) {
    throw new WeightsError("a weight is negative");
  }
  if (uids.some((uid) => uid < 0)) {
    throw new WeightsError("a uid is negative");
  }
  if (weights.some((weight) => !Number.isFinite(weight))) {
    throw new WeightsError("a weight is not a finite number");
  }
  const largest = Math.max(...weights);
  if (largest === 0) {
    return { uids: [], weights: [] };
  }
  const entries = uids
    .map((uid, index) => ({
      uid,
      value: roundHalfToEven(((weights[index] ?? 0) / largest) * u16Max),
    }))
    .filter(({ value }) => value > 0);
  return { uids: entries.map(({ uid }) => uid), weights: entries.map(({ value }) => value) };
}

/** Both steps: what a validator sets for its processed rewards. */
export function weightsForChain(given: Weights, options: ProcessOptions): Weights {
  return emitWeights(processWeights(given, options));
}

/**
 * Scales to a sum of 1 and cuts off what exceeds the limit, so that after scaling again nothing does.
 * @param sumMax sums above it are infinite: nothing is left of any weight then
 */
function normalize(
  weights: readonly number[],
  limit: number,
  sumMax = Number.MAX_VALUE,
): readonly number[] {
  const exact = weights.reduce((total, weight) => total + weight, 0);
  const sum = exact > sumMax ? Number.POSITIVE_INFINITY : exact;
  const count = weights.length;
  if (sum === 0 || count * limit <= 1) {
    return weights.map(() => 1 / count);
  }
  const shares = weights.toSorted((a, b) => a - b).map((weight) => weight / sum);
  if ((shares.at(-1) ?? 0) <= limit) {
    return weights.map((weight) => weight / sum);
  }
  let running = 0;
  const cumulated = shares.map((share) => (running += share));
  const below = shares.filter(
    (share, index) =>
      share / ((count - index - 1) * share + (cumulated[index] ?? 0) + epsilon) < limit,
  ).length;
  const cutoff =
    ((limit * (cumulated[below - 1] ?? 0) - epsilon) / (1 - limit * (count - below))) * sum;
  const clipped = weights.map((weight) => Math.min(weight, cutoff));
  const clippedSum = clipped.reduce((total, weight) => total + weight, 0);
  return clipped.map((weight) => weight / clippedSum);
}

/** The SDK adds up in float32, but in float64 once it has padded. */
const float32Max = 3.4028234663852886e38;

/** In the SDK's limiting, against division by zero. */
const epsilon = 1e-7;

/** With linear interpolation between neighbours, as numpy's default. */
function quantileOf(values: readonly number[], quantile: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const position = quantile * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] ?? 0;
  const high = sorted[below + 1] ?? low;
  // numpy takes the nearer neighbour as origin, and float32 is what it interpolates in
  const fraction = position - below;
  const step = Math.fround(high - low);
  return fraction >= 0.5
    ? Math.fround(high - step * (1 - fraction))
    : Math.fround(low + step * fraction);
}

function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
