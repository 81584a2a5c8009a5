/** Columns of stacked bars, with a line of words for the column that is pointed at. */
import { useState } from "preact/hooks";
import { formatCount } from "../format.ts";
import { niceTop } from "./scale.ts";

export interface Series {
  readonly name: string;
  /** Of the styles; gives the colour. */
  readonly tone: string;
}

export interface Column {
  /** What the column is, such as a time. */
  readonly name: string;
  /** One for each series, from the bottom up. */
  readonly values: readonly number[];
}

const width = 600;
const height = 120;
const gap = 1.5;

/**
 * @param summary says in words what the picture shows
 * @param ends stand under the first and the last column
 */
export function StackedBars({
  columns,
  series,
  summary,
  ends,
}: {
  readonly columns: readonly Column[];
  readonly series: readonly Series[];
  readonly summary: string;
  readonly ends: readonly [string, string];
}) {
  const [pointed, setPointed] = useState<number>();
  const sums = columns.map(({ values }) => values.reduce((sum, value) => sum + value, 0));
  const top = niceTop(Math.max(...sums, 1));
  const step = width / Math.max(1, columns.length);
  const point = ({ currentTarget, clientX }: MouseEvent): void => {
    const box = (currentTarget as Element).getBoundingClientRect(); // the listener's own element
    const at = Math.floor(((clientX - box.left) / box.width) * columns.length);
    setPointed(Math.min(columns.length - 1, Math.max(0, at)));
  };
  const move = (event: KeyboardEvent): void => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by !== undefined) {
      event.preventDefault();
      setPointed((before = columns.length) =>
        Math.min(columns.length - 1, Math.max(0, before + by)),
      );
    }
  };
  const column = pointed === undefined ? undefined : columns[pointed];
  return (
    <figure class="chart">
      <div class="chart-legend">
        {series.map(({ name, tone }) => (
          <span key={name} class={`key ${tone}`}>
            {name}
          </span>
        ))}
      </div>
      <div class="chart-area">
        <span class="chart-top">{formatCount(top)}</span>
        <div
          class="chart-picture"
          role="img"
          aria-label={`${summary} Arrow keys read column by column.`}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: the columns are read with arrow keys
          tabIndex={0}
          onPointerMove={point}
          onPointerLeave={() => setPointed(undefined)}
          onKeyDown={move}
          onBlur={() => setPointed(undefined)}
        >
          <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
            <line class="grid-line" x1="0" x2={width} y1="0.5" y2="0.5" />
            <line class="grid-line" x1="0" x2={width} y1={height / 2} y2={height / 2} />
            {columns.map(({ name, values }, index) => (
              <g key={name} class={index === pointed ? "pointed" : undefined}>
                <rect class="column-area" x={index * step} y="0" width={step} height={height} />
                {stack(values, top).map(({ y, size }, layer) =>
                  size === 0 ? undefined : (
                    <rect
                      key={series[layer]?.name}
                      class={`bar ${series[layer]?.tone ?? ""}`}
                      x={index * step + gap / 2}
                      y={y}
                      width={Math.max(0.5, step - gap)}
                      height={size}
                    />
                  ),
                )}
              </g>
            ))}
            <line class="axis" x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} />
          </svg>
        </div>
      </div>
      <div class="chart-ends" aria-hidden="true">
        <span>{ends[0]}</span>
        <span>{ends[1]}</span>
      </div>
      <output class="chart-readout">
        {column === undefined
          ? summary
          : `${column.name}: ${column.values
              .map((value, layer) => `${formatCount(value)} ${series[layer]?.name ?? ""}`)
              .join(", ")}`}
      </output>
    </figure>
  );
}

/** From the bottom up, in the picture's own units. */
function stack(
  values: readonly number[],
  top: number,
): readonly { readonly y: number; readonly size: number }[] {
  let below = 0;
  return values.map((value) => {
    const size = (value / top) * height;
    below += size;
    return { y: height - below, size };
  });
}
