/** Simulations as a picture: for each, the groups' rewards over the time, and what each earned in the end. */
import type { Simulated } from "./simulate.ts";
import { escaped, text, ticks } from "./svg.ts";

const panelWidth = 620;
const labelWidth = 130;
const linesHeight = 330;
const rowHeight = 19;
const margin = { top: 64, left: 52, gap: 46 };
const textHeight = 13;
/** Okabe and Ito's colours, which most people can tell apart. */
const colours = ["#0072b2", "#009e73", "#56b4e9", "#e69f00", "#d55e00", "#cc79a7", "#7a7a7a"];
const cheatColour = "#d55e00";
const honestColour = "#0072b2";

/** @param baseline the group that 1 stands for */
export function plot(all: readonly Simulated[], baseline: string, title: string): string {
  const rows = Math.max(...all.map(({ groups }) => groups.length));
  const width = all.length * panelWidth;
  const barsTop = margin.top + linesHeight + margin.gap;
  const height = barsTop + 24 + rows * rowHeight + 20;
  const panels = all.map(
    (simulated, index) =>
      `<g transform="translate(${index * panelWidth} 0)">${text(margin.left, 46, `rules ${simulated.rules.name}: reward of a miner, by hours`, "bold")}` +
      `${lines(simulated)}<g transform="translate(0 ${barsTop})">${bars(simulated, baseline)}</g></g>`,
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="sans-serif" font-size="12"><title>${escaped(title)}</title><rect width="100%" height="100%" fill="#fff"/>` +
    `${text(margin.left, 22, title, "bold")}${panels.join("")}</svg>\n`
  );
}

/** Rewards over the time, each line named at its end. */
function lines({ samples, groups }: Simulated): string {
  const hours = samples.at(-1)?.hours ?? 1;
  const most = Math.max(1, ...samples.flatMap(({ rewards }) => rewards));
  const plotWidth = panelWidth - margin.left - labelWidth - 16;
  const bottom = margin.top + linesHeight;
  const x = (at: number): number => margin.left + (plotWidth * at) / hours;
  const y = (reward: number): number => bottom - (linesHeight * reward) / most;
  const grid = ticks(most).map(
    (value) =>
      `<path d="M${margin.left} ${y(value).toFixed(1)}h${plotWidth}" stroke="#ddd"/>` +
      text(margin.left - 6, y(value) + 4, String(value), "end"),
  );
  const times = ticks(hours).map((value) => text(x(value), bottom + 17, String(value), "middle"));
  const ends = groups.map((_, index) => y(samples.at(-1)?.rewards[index] ?? 0));
  const labels = spread(ends, textHeight, bottom);
  const curves = groups.map(({ group }, index) => {
    const colour = colours[index % colours.length] ?? "";
    const points = samples.map(
      ({ hours: at, rewards }) => `${x(at).toFixed(1)} ${y(rewards[index] ?? 0).toFixed(1)}`,
    );
    const dash = group.cheat === "none" ? "" : ' stroke-dasharray="5 3"';
    const [end = 0, label = 0] = [ends[index], labels[index]];
    const right = margin.left + plotWidth;
    return (
      `<path d="M${x(0).toFixed(1)} ${bottom}L${points.join("L")}" fill="none" stroke="${colour}" stroke-width="1.6"${dash}/>` +
      `<path d="M${right} ${end.toFixed(1)}l14 ${(label - end).toFixed(1)}" stroke="${colour}" stroke-width="0.7"/>` +
      `<text x="${right + 17}" y="${(label + 4).toFixed(1)}" fill="${colour}">${escaped(group.name)}</text>`
    );
  });
  return `${grid.join("")}${times.join("")}${curves.join("")}`;
}

/** What a miner of each group earned as weights, as a multiple of the baseline's; the most first. */
function bars({ groups }: Simulated, baseline: string): string {
  const unit = groups.find(({ group }) => group.name === baseline)?.income || 1;
  const sorted = groups.toSorted((a, b) => b.income - a.income);
  const most = Math.max(1, (sorted[0]?.income ?? 0) / unit);
  const plotWidth = panelWidth - margin.left - labelWidth - 70;
  const left = margin.left + labelWidth - 20;
  const rows = sorted.map(({ group, income }, index) => {
    const top = 14 + index * rowHeight;
    const length = (plotWidth * income) / unit / most;
    const colour = group.cheat === "none" ? honestColour : cheatColour;
    return (
      text(left - 6, top + 12, group.name, "end") +
      `<rect x="${left}" y="${top}" width="${length.toFixed(1)}" height="${rowHeight - 5}" fill="${colour}"/>` +
      text(left + length + 5, top + 12, (income / unit).toFixed(2))
    );
  });
  const one = left + plotWidth / most;
  return (
    text(
      margin.left,
      0,
      `weight of a miner, "${baseline}" is 1 (honest blue, cheats red)`,
      "bold",
    ) +
    `${rows.join("")}<path d="M${one.toFixed(1)} 10V${14 + sorted.length * rowHeight}" stroke="#555" stroke-dasharray="2 3"/>`
  );
}

/** The places nearest to `wanted` that are `least` apart and not below `bottom`. */
function spread(wanted: readonly number[], least: number, bottom: number): readonly number[] {
  const order = wanted.map((at, index) => ({ at, index })).toSorted((a, b) => b.at - a.at);
  const places = [...wanted];
  let next = bottom;
  for (const { at, index } of order) {
    const place = Math.min(at, next);
    places[index] = place;
    next = place - least;
  }
  return places;
}
