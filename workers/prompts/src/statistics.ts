/** What became of drafts, by category; and with that, what is asked for next. */
import { type Rejection, rejections } from "./filters/index.ts";

export interface CategoryStatistics {
  readonly drafted: number;
  readonly rejected: Readonly<Partial<Record<Rejection, number>>>;
  /** Kept by the filters. */
  readonly kept: number;
  /** Of those kept: generated and scored. */
  readonly judged: number;
  /** Of those judged: scored as the subnet accepts it. */
  readonly accepted: number;
}

export interface Statistics {
  count(category: string, what: "drafted" | "kept" | "judged" | "accepted" | Rejection): void;
  byCategory(): ReadonlyMap<string, CategoryStatistics>;
  /** How much a draft of the category is worth: the share that is kept and accepted, 0 to 1. */
  worth(category: string): number;
}

/** What nothing is known of is worth as much as if this many drafts before had been kept and accepted. */
const priorDrafts = 20;

type Counts = { -readonly [K in keyof Omit<CategoryStatistics, "rejected">]: number } & {
  readonly rejected: Partial<Record<Rejection, number>>;
};

export function createStatistics(): Statistics {
  const counts = new Map<string, Counts>();
  const of = (category: string): Counts => {
    const known = counts.get(category) ?? {
      ...{ drafted: 0, kept: 0, judged: 0, accepted: 0 },
      rejected: {},
    };
    counts.set(category, known);
    return known;
  };
  return {
    count(category, what) {
      const own = of(category);
      if (what === "drafted" || what === "kept" || what === "judged" || what === "accepted") {
        own[what]++;
      } else {
        own.rejected[what] = (own.rejected[what] ?? 0) + 1;
      }
    },
    byCategory: () => counts,
    worth(category) {
      const { drafted, kept, judged, accepted } = of(category);
      const keptShare = (kept + priorDrafts) / (drafted + priorDrafts);
      return keptShare * ((accepted + priorDrafts) / (judged + priorDrafts));
    },
  };
}

/** A table for people, in Markdown. */
export function describeStatistics(statistics: ReadonlyMap<string, CategoryStatistics>): string {
  const share = (part: number, of: number): string =>
    of === 0 ? "-" : `${((100 * part) / of).toFixed(1)} %`;
  const found = rejections.filter((why) =>
    [...statistics.values()].some(({ rejected }) => (rejected[why] ?? 0) > 0),
  );
  const rows = Array.from(statistics, ([category, own]) => [
    ...[category, `${own.drafted}`, ...found.map((why) => `${own.rejected[why] ?? 0}`)],
    ...[`${own.kept}`, `${own.judged}`, share(own.accepted, own.judged)],
  ]);
  const heading = ["category", "drafts", ...found, "kept", "judged", "accepted"];
  return [heading, heading.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |\n`)
    .join("");
}
