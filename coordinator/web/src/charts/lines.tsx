/** Values over time. uPlot draws them; it is loaded with the first page that has some. */
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";

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
  const key = JSON.stringify(points);
  useEffect(() => {
    const element = place.current;
    if (element === null) {
      return;
    }
    const left = new AbortController();
    void draw(element, line, points, left.signal);
    return () => left.abort();
  }, [key, line]);
  return (
    <figure class="chart">
      <div class="lines" ref={place} role="img" aria-label={summary} />
      <p class="chart-readout">{summary}</p>
    </figure>
  );
}

async function draw(
  element: HTMLElement,
  line: TimeLine,
  points: readonly (readonly [number, number])[],
  signal: AbortSignal,
): Promise<void> {
  const { default: Plot } = await import("./uplot.ts");
  if (signal.aborted) {
    return;
  }
  let plot: uPlot | undefined;
  const make = (): void => {
    plot?.destroy();
    plot = new Plot(
      optionsOf(element, line, Plot.paths.stepped?.({ align: 1 })),
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
  { name, colour, format, stepped }: TimeLine,
  paths: uPlot.Series.PathBuilder | undefined,
): uPlot.Options {
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
    legend: { show: true, live: true },
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    scales: { y: { range: (_plot, _least, most) => [0, most > 0 ? most * 1.1 : 1] } },
    axes: [axis, { ...axis, size: 56, values: (_plot, values) => values.map(format) }],
    series: [
      { label: "Time", value: "{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}" },
      {
        label: name,
        stroke: token(colour),
        width: 1.75,
        points: { show: false },
        ...(stepped && paths !== undefined ? { paths } : {}),
        value: (_plot, value) => (value === null ? "" : format(value)),
      },
    ],
  };
}
