/** What follows from the scores that several workers gave one asset. Pure functions of values. */
import type { RenderScoreResult } from "@turntable/proto";
import { z } from "zod";

/** What one worker says of an asset. */
export const opinionSchema = z.object({
  worker: z.string(),
  /** 0 to 1; null when it says that the asset is invalid. */
  score: z.number().nullable(),
  /** The model's hash in hex, empty when it names none: scores of different models are not compared. */
  model: z.string(),
});
export type Opinion = Readonly<z.infer<typeof opinionSchema>>;

export type Judgement =
  /** They say the same, or nobody asks how far they may differ. */
  | { readonly kind: "agreed" }
  /** They scored with different models. */
  | { readonly kind: "other-model" }
  /** Two differ, and a third has to say who drifts. */
  | { readonly kind: "open" }
  /** Two against one. */
  | { readonly kind: "drifted"; readonly worker: string }
  /** Three differ, or the third is within the tolerance of both. */
  | { readonly kind: "undecided" };

/** The opinion in a result; undefined when it is none, such as a fault of ours or a score that is no probability. */
export function opinionOf({ workerId: worker, outcome }: RenderScoreResult): Opinion | undefined {
  switch (outcome.case) {
    case "scored": {
      const { score, model } = outcome.value;
      return score >= 0 && score <= 1
        ? { worker, score, model: Buffer.from(model?.sha256 ?? []).toString("hex") }
        : undefined;
    }
    case "invalidAsset":
      return { worker, score: null, model: "" };
    default:
      return undefined;
  }
}

/** How far two scores differ, 0 to 1; undefined where one of the two has none. */
export function differenceOf(one: Opinion, other: Opinion): number | undefined {
  return one.score === null || other.score === null ? undefined : Math.abs(one.score - other.score);
}

/**
 * @param opinions the verdict's own first, then those of other workers; at least two
 * @param tolerance the largest difference between honest workers; 0 judges nobody
 */
export function judge(opinions: readonly Opinion[], tolerance: number): Judgement {
  const [first, second, third] = opinions;
  if (first === undefined || second === undefined || tolerance === 0) {
    return { kind: "agreed" };
  }
  const models = new Set(opinions.map(({ model }) => model).filter((model) => model !== ""));
  if (models.size > 1) {
    return { kind: "other-model" };
  }
  if (third === undefined) {
    return { kind: isSame(first, second, tolerance) ? "agreed" : "open" };
  }
  const withFirst = isSame(third, first, tolerance);
  const withSecond = isSame(third, second, tolerance);
  if (withFirst === withSecond) {
    return { kind: "undecided" };
  }
  return { kind: "drifted", worker: withFirst ? second.worker : first.worker };
}

/** An asset that both call invalid is the same to both, whatever the reason. */
export function isSame(one: Opinion, other: Opinion, tolerance: number): boolean {
  const difference = differenceOf(one, other);
  return difference === undefined ? one.score === other.score : difference <= tolerance;
}
