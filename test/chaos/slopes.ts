/** How fast something grows, and its picture. */

export interface Series {
  readonly name: string;
  readonly unit: string;
  readonly points: readonly Point[];
  /** The most that it may grow in an hour. */
  readonly limitPerHour: number;
}

export interface Point {
  readonly hours: number;
  readonly value: number;
}

/** What stands at the beginning is warming up: so large a share of the time is not judged. */
const warmUpShare = 1 / 3;

/** Growth an hour once it is warm: the median of the slopes between any two points, which single peaks do not move. */
export function slopePerHour(points: readonly Point[]): number {
  const first = (points.at(-1)?.hours ?? 0) * warmUpShare;
  const judged = points.filter(({ hours }) => hours >= first);
  const slopes = judged
    .flatMap((a, index) =>
      judged.slice(index + 1).map((b) => (b.value - a.value) / (b.hours - a.hours)),
    )
    .toSorted((a, b) => a - b);
  return slopes[Math.floor(slopes.length / 2)] ?? 0;
}

const panel = { width: 320, height: 150, left: 10, top: 30, bottom: 22 } as const;
const columns = 3;

/** Each series in a panel of its own, from 0 up. */
export function plot(all: readonly Series[], title: string): string {
  const rows = Math.ceil(all.length / columns);
  const width = columns * panel.width;
  const height = 30 + rows * panel.height;
  const panels = all.map((series, index) => {
    const x = (index % columns) * panel.width;
    const y = 30 + Math.floor(index / columns) * panel.height;
    return `<g transform="translate(${x} ${y})">${draw(series)}</g>`;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ` +
    `font-family="sans-serif" font-size="11"><title>${title}</title><rect width="100%" height="100%" fill="#fff"/>` +
    `<text x="10" y="20" font-weight="bold">${title}</text>${panels.join("")}</svg>\n`
  );
}

function draw({ name, unit, points }: Series): string {
  const hours = Math.max(points.at(-1)?.hours ?? 0, 1 / 3600);
  const most = Math.max(1, ...points.map(({ value }) => value));
  const plotWidth = panel.width - 2 * panel.left;
  const plotHeight = panel.height - panel.top - panel.bottom;
  const base = panel.top + plotHeight;
  const line = points.map(
    ({ hours: at, value }) =>
      `${(panel.left + (plotWidth * at) / hours).toFixed(1)} ${(base - (plotHeight * value) / most).toFixed(1)}`,
  );
  const last = points.at(-1)?.value ?? 0;
  return (
    `<text x="${panel.left}" y="14">${name}: ${last.toFixed(0)} ${unit}, ${slopePerHour(points).toFixed(2)} an hour</text>` +
    `<path d="M${panel.left} ${base}h${plotWidth}M${panel.left} ${panel.top}h${plotWidth}" stroke="#ddd" fill="none"/>` +
    `<text x="${panel.left}" y="${panel.top - 3}" fill="#777">${most.toFixed(0)}</text>` +
    `<text x="${panel.left + plotWidth}" y="${base + 14}" fill="#777" text-anchor="end">${hours.toFixed(2)} h</text>` +
    `<path d="M${line.join("L")}" fill="none" stroke="#0072b2" stroke-width="1.4"/>`
  );
}
