/** The views' probabilities, once around: one small bar each. */
import { formatPercent, formatScore } from "../format.ts";

const height = 24;
const step = 4;

export function ViewStrip({
  probabilities,
  acceptance,
  current,
}: {
  readonly probabilities: readonly number[];
  readonly acceptance: number;
  /** Shown as the one that is looked at. */
  readonly current?: number | undefined;
}) {
  const low = probabilities.filter((probability) => probability < acceptance).length;
  const worst = Math.min(...probabilities);
  const label = `${probabilities.length} views, the worst with ${formatScore(worst)}, ${formatPercent(low / probabilities.length)} of them below ${acceptance}`;
  return (
    <svg
      class="view-strip"
      viewBox={`0 0 ${probabilities.length * step} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {probabilities.map((probability, view) => {
        const size = Math.max(1, probability * height);
        return (
          <rect
            key={view}
            class={`bar ${probability < acceptance ? "bad" : "good"}${view === current ? " current" : ""}`}
            x={view * step + 0.5}
            y={height - size}
            width={step - 1}
            height={size}
          />
        );
      })}
    </svg>
  );
}
