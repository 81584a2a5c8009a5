/** What the local subnet prints for people. */
import { relative } from "node:path";

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Relative to the current folder where the path lies within it. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : short;
}
