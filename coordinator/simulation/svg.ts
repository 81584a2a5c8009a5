/** Parts of pictures in SVG: words and round numbers. */

/** Round numbers from 0 to `most`, five to ten of them. */
export function ticks(most: number): readonly number[] {
  const power = 10 ** Math.floor(Math.log10(most));
  const step =
    [0.1, 0.2, 0.5, 1].map((part) => part * power).find((one) => most / one <= 8) ?? power;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) =>
    Number((index * step).toPrecision(6)),
  );
}

type TextStyle = "start" | "middle" | "end" | "bold";

export function text(x: number, y: number, words: string, style: TextStyle = "start"): string {
  const attributes = style === "bold" ? 'font-weight="bold"' : `text-anchor="${style}"`;
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="#222" ${attributes}>${escaped(words)}</text>`;
}

export function escaped(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
