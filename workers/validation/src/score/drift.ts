/** What two models say of the same pictures, one probability a picture, 0 to 1. */
export interface Compared {
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
}

/** The largest differences, 0 to 1; of an int8 export against the model that it was made of, what int8 costs. */
export interface Drift {
  readonly score: number;
  readonly view: number;
}

/**
 * @param summarise the score of an asset's views
 * @throws RangeError when the models were not asked about the same pictures
 */
export function driftOf(
  cases: readonly Compared[],
  summarise: (probabilities: readonly number[]) => number,
): Drift {
  let score = 0;
  let view = 0;
  for (const { ours, theirs } of cases) {
    if (ours.length !== theirs.length) {
      throw new RangeError(`${ours.length} pictures against ${theirs.length}`);
    }
    score = Math.max(score, Math.abs(summarise(ours) - summarise(theirs)));
    ours.forEach((probability, index) => {
      view = Math.max(view, Math.abs(probability - (theirs[index] ?? 0)));
    });
  }
  return { score, view };
}
