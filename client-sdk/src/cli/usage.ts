/** What stands on the command line, read and refused. */

/** The command line makes no sense; the message says what to write instead. */
export class UsageError extends Error {
  override name = "UsageError";
  readonly code = "usage";
}

/** A reader of an option's value: a whole number from `min` to `max`. @throws UsageError */
export function whole(option: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new UsageError(`--${option} ${text}: give a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

/** A reader of a duration, in ms: `90` and `90s` are seconds, `5m` minutes, `2h` hours, `7d` days. @throws UsageError */
export function duration(option: string): (text: string) => number {
  return (text) => {
    const match = /^(\d+(?:\.\d+)?)(s|m|h|d)?$/.exec(text);
    const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? "s"];
    const durationMs = Number(match?.[1]) * (unitMs ?? Number.NaN);
    if (!(durationMs > 0)) {
      throw new UsageError(`--${option} ${text}: give a time such as 90s, 5m or 2h`);
    }
    return durationMs;
  };
}

/** A reader of one of some words. @throws UsageError */
export function oneOf<T extends string>(what: string, words: readonly T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found === undefined) {
      throw new UsageError(`${what} ${JSON.stringify(text)}: give ${words.join(", ")}`);
    }
    return found;
  };
}
