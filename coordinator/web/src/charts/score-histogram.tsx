/** How scores are spread, today as bars and the day before as a line over them. */
import { formatCount, formatPercent, plural } from "../format.ts";

const width = 600;
const height = 120;

/**
 * Both days as shares of their own results: a day of half the work is no other distribution.
 * @param acceptance from which score on work is accepted, 0 to 1
 */
export function ScoreHistogram({
  lastDay,
  dayBefore,
  acceptance,
}: {
  readonly lastDay: readonly number[];
  readonly dayBefore: readonly number[];
  readonly acceptance: number;
}) {
  const today = shares(lastDay);
  const yesterday = shares(dayBefore);
  const top = Math.max(...today.of, ...yesterday.of, 0.01);
  const step = width / Math.max(1, lastDay.length);
  const yOf = (share: number): number => height - (share / top) * (height - 4);
  const line = yesterday.of
    .map((share, index) => `${index === 0 ? "M" : "L"}${index * step},${yOf(share)}h${step}`)
    .join("");
  const accepted = acceptedShare(lastDay, acceptance);
  const summary =
    today.total === 0
      ? "Nothing was scored within 24 hours."
      : `${plural(today.total, "result")} within 24 hours, ${formatPercent(accepted)} of them at or above ${acceptance}; ${formatCount(yesterday.total)} the day before${yesterday.total === 0 ? "" : `, ${formatPercent(acceptedShare(dayBefore, acceptance))}`}.`;
  return (
    <figure class="chart">
      <div class="chart-legend">
        <span class="key good">last 24 h, accepted</span>
        <span class="key bad">not accepted</span>
        <span class="key outline">the day before</span>
      </div>
      <div class="chart-area">
        <span class="chart-top">{formatPercent(top)}</span>
        <div class="chart-picture" role="img" aria-label={summary}>
          <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
            {today.of.map((share, index) => (
              <rect
                key={index}
                class={`bar ${(index + 0.5) / lastDay.length < acceptance ? "bad" : "good"}`}
                x={index * step + 0.75}
                y={yOf(share)}
                width={step - 1.5}
                height={height - yOf(share)}
              />
            ))}
            {yesterday.total === 0 ? undefined : <path class="outline-path" d={line} />}
            <line
              class="threshold"
              x1={acceptance * width}
              x2={acceptance * width}
              y1="0"
              y2={height}
            />
            <line class="axis" x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
          </svg>
        </div>
      </div>
      <div class="chart-ends" aria-hidden="true">
        <span>score 0</span>
        <span>accepted from {acceptance}</span>
        <span>1</span>
      </div>
      <p class="chart-readout">{summary}</p>
    </figure>
  );
}

function shares(counts: readonly number[]) {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return { total, of: counts.map((count) => (total === 0 ? 0 : count / total)) };
}

/** Of parts, each of which lies on one side of the threshold by its middle. */
function acceptedShare(counts: readonly number[], acceptance: number): number {
  const { of } = shares(counts);
  return of.reduce(
    (sum, share, index) => sum + ((index + 0.5) / counts.length < acceptance ? 0 : share),
    0,
  );
}
