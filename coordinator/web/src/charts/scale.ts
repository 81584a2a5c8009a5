/** Where axes end. */

/** The least of 1, 2, 5, 10, 20, … that is not below the value: axes end at numbers that are read at a glance. */
export function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10);
}
