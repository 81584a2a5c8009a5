/**
 * @polkadot writes to the console, with no way to hand it a logger: text lines in a log that is JSON. While a connection
 * is open, its lines ("2026-01-31 12:00:00  API/INIT: …") are taken from the console and handed over; all others pass.
 */

/** The methods that the library's logger uses. */
const methods = ["log", "warn", "error"] as const;
const listeners = new Set<(line: string) => void>();
let restore: (() => void) | undefined;

/** @returns what ends it; the console is as before when the last one ends */
export function takeLibraryLines(listener: (line: string) => void): Disposable {
  listeners.add(listener);
  restore ??= divert();
  return {
    [Symbol.dispose]() {
      listeners.delete(listener);
      if (listeners.size > 0) {
        return;
      }
      restore?.();
      restore = undefined;
    },
  };
}

function divert(): () => void {
  const originals = methods.map((method) => [method, console[method]] as const);
  for (const [method, original] of originals) {
    console[method] = (...values: unknown[]): void => {
      const line = libraryLine(values);
      if (line === undefined) {
        original.apply(console, values);
      } else {
        for (const listener of listeners) {
          listener(line);
        }
      }
    };
  }
  return () => {
    for (const [method, original] of originals) {
      console[method] = original;
    }
  };
}

/** What the library says; undefined when it is somebody else's. It gives date, origin and text as three values. */
export function libraryLine([date, origin, ...text]: readonly unknown[]): string | undefined {
  const isDate = typeof date === "string" && /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(date);
  if (!isDate || typeof origin !== "string" || !/^ *[A-Z0-9/-]+:$/.test(origin)) {
    return undefined;
  }
  const words = text.map((part) => (part instanceof Error ? part.message : String(part)));
  return `${origin.trim()} ${words.join(" ")}`;
}
