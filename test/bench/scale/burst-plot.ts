/** A burst as a picture: what waits, how many workers there are, and how long each job took. */
import { escaped, text, ticks } from "@turntable/coordinator/internal/svg";

/** What was so at one moment; seconds of the simulated clock. */
export interface Sample {
  readonly s: number;
  /** Jobs that wait or are in work. */
  readonly lag: number;
  /** Workers that the autoscaler asks for. */
  readonly wanted: number;
  /** Those that are connected. */
  readonly ready: number;
}

interface Line {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Holds its value until the next point. */
  readonly isStep?: boolean;
}

const width = 760;
const panelHeight = 170;
const margin = { top: 70, left: 60, right: 24, gap: 56 };
const plotWidth = width - margin.left - margin.right;
const blue = "#0072b2";
const orange = "#d55e00";
const green = "#009e73";

/** @param waitsS from each submission to its verdict */
export function plotBurst(
  samples: readonly Sample[],
  waitsS: readonly number[],
  title: string,
): string {
  const sorted = waitsS.toSorted((a, b) => a - b);
  const of = (value: (sample: Sample) => number) =>
    samples.map((sample) => [sample.s, value(sample)] as const);
  const panels = [
    panel("jobs that wait or are in work, by seconds", [
      { name: "jobs", colour: blue, points: of(({ lag }) => lag) },
    ]),
    panel("workers, by seconds", [
      { name: "asked for", colour: orange, points: of(({ wanted }) => wanted), isStep: true },
      { name: "connected", colour: green, points: of(({ ready }) => ready), isStep: true },
    ]),
    panel("submissions with their verdict, in %, by seconds since they were handed in", [
      {
        name: "submissions",
        colour: blue,
        points: sorted.map((wait, index) => [wait, (100 * (index + 1)) / sorted.length]),
      },
    ]),
  ];
  const height = margin.top + panels.length * (panelHeight + margin.gap);
  const placed = panels.map(
    (content, index) =>
      `<g transform="translate(0 ${margin.top + index * (panelHeight + margin.gap)})">${content}</g>`,
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="sans-serif" font-size="12"><title>${escaped(title)}</title><rect width="100%" height="100%" fill="#fff"/>` +
    `${text(margin.left, 24, title, "bold")}${placed.join("")}</svg>\n`
  );
}

function panel(heading: string, lines: readonly Line[]): string {
  const points = lines.flatMap((line) => line.points);
  const mostX = Math.max(1, ...points.map(([x]) => x));
  const mostY = Math.max(1, ...points.map(([, y]) => y));
  const x = (value: number): number => margin.left + (plotWidth * value) / mostX;
  const y = (value: number): number => panelHeight - (panelHeight * value) / mostY;
  const grid = ticks(mostY).map(
    (value) =>
      `<path d="M${margin.left} ${y(value).toFixed(1)}h${plotWidth}" stroke="#ddd"/>` +
      text(margin.left - 6, y(value) + 4, String(value), "end"),
  );
  const times = ticks(mostX).map((value) =>
    text(x(value), panelHeight + 16, String(value), "middle"),
  );
  const curves = lines.map(({ name, colour, points: own, isStep = false }, index) => {
    const path = own
      .map(([at, value], n) => {
        const place = `${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
        return n > 0 && isStep ? `H${x(at).toFixed(1)}V${y(value).toFixed(1)}` : `L${place}`;
      })
      .join("")
      .replace(/^L/, "M");
    const label = width - margin.right - 160 * (lines.length - index);
    return (
      `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.6"/>` +
      (lines.length === 1
        ? ""
        : `<path d="M${label} -14h22" stroke="${colour}" stroke-width="3"/>${text(label + 28, -10, name)}`)
    );
  });
  return `${text(margin.left, -10, heading, "bold")}${grid.join("")}${times.join("")}${curves.join("")}`;
}
