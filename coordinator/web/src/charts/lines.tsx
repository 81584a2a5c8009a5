/** Values over time. uPlot draws them; it is loaded with the first page that has some. */
import { useEffect, useRef, useState } from "preact/hooks";
import type uPlot from "uplot";
import { formatClock, formatTime } from "../format.ts";

export interface TimeLine {
  readonly name: string;
  /** Name of a colour among the tokens: `--accent`. */
  readonly colour: string;
  readonly format: (value: number) => string;
  /** A value holds until the next one. */
  readonly stepped: boolean;
}

const heightPixels = 180;

/**
 * @param points `[seconds since 1970, value]`, oldest first
 * @param summary says in words what the picture shows
 */
export function Lines({
  line,
  points,
  summary,
}: {
  readonly line: TimeLine;
  readonly points: readonly (readonly [seconds: number, value: number])[];
  readonly summary: string;
}) {
  const place = useRef<HTMLDivElement>(null);
  const [pointed, setPointed] = useState<string>();
  const key = JSON.stringify(points);
  useEffect(() => {
    const element = place.current;
    if (element === null) {
      return;
    }
    const left = new AbortController();
    void draw(element, { line, points, onPoint: setPointed }, left.signal);
    return () => left.abort();
  }, [key, line]);
  return (
    <figure class="chart">
      <div class="lines" ref={place} role="img" aria-label={summary} />
      <p class="chart-readout">{pointed ?? summary}</p>
    </figure>
  );
}

interface Drawing {
  readonly line: TimeLine;
  readonly points: readonly (readonly [seconds: number, value: number])[];
  /** Told what is pointed at, in words. */
  readonly onPoint: (words: string | undefined) => void;
}

async function draw(element: HTMLElement, drawing: Drawing, signal: AbortSignal): Promise<void> {
  const { default: Plot } = await import("./uplot.ts");
  if (signal.aborted) {
    return;
  }
  const { points, line } = drawing;
  const paths = line.stepped ? Plot.paths.stepped?.({ align: 1 }) : undefined;
  let plot: uPlot | undefined;
  const make = (): void => {
    plot?.destroy();
    plot = new Plot(
      optionsOf(element, drawing, paths),
      [points.map(([seconds]) => seconds), points.map(([, value]) => value)],
      element,
    );
  };
  make();
  const resized = new ResizeObserver(() =>
    plot?.setSize({ width: element.clientWidth, height: heightPixels }),
  );
  resized.observe(element);
  // Colours are read when it is drawn: other colours, another drawing.
  const recoloured = new MutationObserver(make);
  recoloured.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", make, { signal });
  signal.addEventListener("abort", () => {
    resized.disconnect();
    recoloured.disconnect();
    plot?.destroy();
  });
}

function optionsOf(
  element: HTMLElement,
  { line, points, onPoint }: Drawing,
  paths: uPlot.Series.PathBuilder | undefined,
): uPlot.Options {
  const { name, colour, format } = line;
  const styles = getComputedStyle(element);
  const token = (of: string): string => styles.getPropertyValue(of).trim();
  const axis = {
    stroke: token("--quiet"),
    grid: { stroke: token("--line"), width: 1 },
    ticks: { show: false },
    font: `12px ${token("--sans")}`,
  };
  return {
    width: element.clientWidth,
    height: heightPixels,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: { y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [
      {
        ...axis,
        space: 70,
        values: (_plot, seconds) => seconds.map((at) => formatClock(new Date(at * 1_000))),
      },
      { ...axis, size: 56, values: (_plot, values) => values.map(format) },
    ],
    series: [
      {},
      {
        label: name,
        stroke: token(colour),
        width: 1.75,
        points: { show: false },
        ...(paths === undefined ? {} : { paths }),
      },
    ],
    hooks: {
      setCursor: [
        ({ cursor }) => {
          const point = points[cursor.idx ?? -1];
          onPoint(
            point && `${name} ${format(point[1])}, ${formatTime(new Date(point[0] * 1_000))}`,
          );
        },
      ],
    },
  };
}
