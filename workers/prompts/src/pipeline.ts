/**
 * The way of a prompt: drawn from a source, cleaned and filtered, generated and scored where that is wanted. Categories of
 * which much is kept and accepted are drawn more often.
 */
import { createFilters, type FilterLimits } from "./filters/index.ts";
import type { PromptSource } from "./generators/index.ts";
import type { Judge } from "./judge.ts";
import { createStatistics, type Statistics } from "./statistics.ts";
import { withStyles } from "./styles.ts";

export interface PipelineOptions {
  /** At least one. */
  readonly sources: readonly PromptSource[];
  readonly limits: FilterLimits;
  /** Prompts that are there already, so that none like them is made. */
  readonly known?: Iterable<string>;
  readonly judge?: Judge | undefined;
  /** Of the prompts that the filters keep, the share that is judged, 0 to 1; all others pass. */
  readonly judgedShare?: number;
  /** From which score on a judged prompt is kept. */
  readonly leastScore?: number;
  /** Variants of each prompt in other styles. */
  readonly styles?: number;
  /** Uniform in [0, 1) */
  readonly random: () => number;
  /** Told when a source or a judge is in trouble; the work goes on with the others. */
  readonly onTrouble: (error: unknown) => void;
}

export interface Kept {
  readonly prompt: string;
  readonly category: string;
  /** undefined when it was not judged */
  readonly score: number | undefined;
}

export interface Pipeline {
  /** Draws once and gives what is kept of it, maybe nothing. @throws the signal's reason */
  next(signal: AbortSignal): Promise<readonly Kept[]>;
  /** Judges prompts from elsewhere by the same filters, without the model. */
  readonly filters: ReturnType<typeof createFilters>;
  readonly statistics: Statistics;
}

/** The least share of draws that every category gets of the best one's. */
const leastWorth = 0.05;
/** Source: the subnet accepts from here on. */
const defaultLeastScore = 0.6;

export function createPipeline(options: PipelineOptions): Pipeline {
  const { sources, random, judge, judgedShare = 1, styles = 0 } = options;
  const { leastScore = defaultLeastScore } = options;
  const filters = createFilters(options.limits);
  for (const prompt of options.known ?? []) {
    filters.take(prompt);
  }
  const statistics = createStatistics();
  const offers = sources.flatMap((source) =>
    source.categories.map((category) => ({ source, category })),
  );

  const choose = () => {
    const worths = offers.map(({ category }) => Math.max(leastWorth, statistics.worth(category)));
    let left = random() * worths.reduce((sum, worth) => sum + worth, 0);
    const chosen = worths.findIndex((worth) => {
      left -= worth;
      return left < 0;
    });
    return offers[Math.max(0, chosen)];
  };

  /** Undefined when it is not accepted. */
  const judged = async (
    { prompt, category }: Pick<Kept, "prompt" | "category">,
    signal: AbortSignal,
  ): Promise<Kept | undefined> => {
    if (judge === undefined || random() >= judgedShare) {
      return { prompt, category, score: undefined };
    }
    try {
      const score = await judge.score(prompt, signal);
      statistics.count(category, "judged");
      if (score < leastScore) {
        return undefined;
      }
      statistics.count(category, "accepted");
      return { prompt, category, score };
    } catch (error) {
      signal.throwIfAborted();
      options.onTrouble(error);
      return undefined; // nothing is known of it, and there are others
    }
  };

  return {
    filters,
    statistics,
    async next(signal) {
      const offer = choose();
      if (offer === undefined) {
        throw new RangeError("there is no source of prompts");
      }
      const { source, category } = offer;
      const drafts = await source.draw(category, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        options.onTrouble(error);
        return [];
      });
      const kept: Kept[] = [];
      for (const { text } of drafts.flatMap((draft) => withStyles(draft, styles, random))) {
        statistics.count(category, "drafted");
        const filtered = filters.take(text);
        if (filtered.kind === "rejected") {
          statistics.count(category, filtered.why);
          continue;
        }
        statistics.count(category, "kept");
        const { prompt } = filtered;
        const good = await judged({ prompt, category }, signal);
        kept.push(...(good === undefined ? [] : [good]));
      }
      return kept;
    },
  };
}
