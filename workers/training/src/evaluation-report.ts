/** The evaluation as Markdown, and whether its bars hold. */
import { defaultSplats } from "@turntable/generation";
import { type Category, categories } from "@turntable/generation/grammar";

/** One asset compared with one prompt. */
export interface Scored {
  readonly asked: string;
  readonly category: Category;
  readonly text: string;
  /** The prompt that the asset was made for. */
  readonly shown: string;
  readonly score: number;
}

export interface Evaluation {
  readonly model: string;
  readonly assets: number;
  readonly profile: string;
  readonly scores: readonly Scored[];
  /** Assets that show nothing, each with every prompt. */
  readonly nothing: {
    readonly assets: number;
    readonly prompts: number;
    readonly scores: readonly number[];
  };
}

/** The fidelity steps of the subnet: accepted, and full. */
const accepted = 0.6;
const full = 0.8;
const bars = { rightShare: 0.9, wrongShare: 0.05 } as const;
const wrongs = ["wrong colour", "wrong shape", "unrelated"] as const;
const missesShown = 40;

export function describeEvaluation(evaluation: Evaluation): {
  readonly text: string;
  readonly passed: boolean;
} {
  const { model, assets, profile, nothing } = evaluation;
  const verdicts = verdictsOf(evaluation);
  const text = `# Evaluation of ${model}

By \`node workers/training/src/evaluate.ts --assets ${assets}\`: assets of the procedural engine, ${defaultSplats}
splats, for prompts that training never saw (their SHA-256 is divisible by 10), evenly over the engine's categories,
scored with the profile \`${profile}\`: our renderer, 36 views, ONNX Runtime. The wrong prompts were never trained with,
either.

| Bar | Seen | |
| --- | --- | --- |
${verdicts.map(({ bar, seen, holds }) => `| ${bar} | ${seen} | ${holds ? "holds" : "**missed**"} |`).join("\n")}

"Wrong colour": every colour that the prompt names is another. "Wrong shape": every thing is another. "Unrelated": the
prompt of another scene that shares no thing with this one. "Sparse", "blurry": the right prompt for a bad asset.

| Prompt | Category | Assets | Mean | ≥ ${full} | ≥ ${accepted} |
| --- | --- | --- | --- | --- | --- |
${rowsOf(evaluation).join("\n")}
| any | blank or noise | ${nothing.assets} | ${mean(nothing.scores).toFixed(2)} | ${percent(share(nothing.scores, full))} | ${percent(share(nothing.scores, accepted))} |

The first ${missesShown} that went wrong:

${missesOf(evaluation).join("\n")}
`;
  return { text, passed: verdicts.every(({ holds }) => holds) };
}

interface Verdict {
  readonly bar: string;
  readonly seen: string;
  readonly holds: boolean;
}

function verdictsOf({ scores, nothing }: Evaluation): readonly Verdict[] {
  const right = share(scoresOf(scores, "right"), full);
  const highest = Math.max(...nothing.scores);
  return [
    {
      bar: `right prompt ≥ ${full} on at least ${percent(bars.rightShare)} of the assets`,
      seen: percent(right),
      holds: right >= bars.rightShare,
    },
    ...wrongs.map((asked): Verdict => {
      const wrong = share(scoresOf(scores, asked), accepted);
      return {
        bar: `${asked} ≥ ${accepted} on at most ${percent(bars.wrongShare)}`,
        seen: percent(wrong),
        holds: wrong <= bars.wrongShare,
      };
    }),
    {
      bar: `${nothing.assets} blank or noise assets × ${nothing.prompts} prompts: none ≥ ${accepted}`,
      seen: `highest ${highest.toFixed(2)}`,
      holds: highest < accepted,
    },
  ];
}

function rowsOf({ scores }: Evaluation): readonly string[] {
  const row = (asked: string, category: string, values: readonly number[]): string =>
    `| ${asked} | ${category} | ${values.length} | ${mean(values).toFixed(2)} | ` +
    `${percent(share(values, full))} | ${percent(share(values, accepted))} |`;
  return [...new Set(scores.map(({ asked }) => asked))].flatMap((asked) => [
    ...categories
      .map((category) => ({ category, values: scoresOf(scores, asked, category) }))
      .filter(({ values }) => values.length > 0)
      .map(({ category, values }) => row(asked, category, values)),
    row(asked, "all", scoresOf(scores, asked)),
  ]);
}

function missesOf({ scores }: Evaluation): readonly string[] {
  return scores
    .filter(({ asked, score }) =>
      asked === "right" ? score < full : wrongs.some((w) => w === asked) && score >= accepted,
    )
    .slice(0, missesShown)
    .map(
      ({ asked, text, shown, score }) =>
        `* ${asked}: ${score.toFixed(2)} for "${text}"${text === shown ? "" : ` of "${shown}"`}`,
    );
}

function scoresOf(
  scores: readonly Scored[],
  asked: string,
  category?: Category,
): readonly number[] {
  return scores
    .filter(
      (each) => each.asked === asked && (category === undefined || each.category === category),
    )
    .map(({ score }) => score);
}

function share(values: readonly number[], bar: number): number {
  return values.filter((value) => value >= bar).length / Math.max(1, values.length);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function percent(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}
