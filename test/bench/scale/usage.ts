/** What another process takes, as Linux counts it. */
import { readdirSync, readFileSync } from "node:fs";

/** Linux counts CPU time in these; `getconf CLK_TCK` is 100 everywhere. */
const ticksPerSecond = 100;

export interface Usage {
  /** Processor time of all threads since the start, to 10 ms. */
  readonly cpuMs: number;
  readonly rssBytes: number;
  /** Processor time by the threads' names; the first, which runs a Node program's event loop, is "main". */
  readonly threads: ReadonlyMap<string, number>;
}

export function usageOf(pid: number): Usage {
  const [, rss] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  const threads = new Map<string, number>();
  for (const id of readdirSync(`/proc/${pid}/task`)) {
    const { name, cpuMs } = statOf(`/proc/${pid}/task/${id}/stat`);
    const called = id === String(pid) ? "main" : name;
    threads.set(called, (threads.get(called) ?? 0) + cpuMs);
  }
  return { cpuMs: statOf(`/proc/${pid}/stat`).cpuMs, rssBytes: Number(rss) * 1024, threads };
}

/** Between two looks at one process. */
export function cpuMsBetween(before: Usage, after: Usage): number {
  return after.cpuMs - before.cpuMs;
}

/** The same by threads, the busiest first; threads that ended meanwhile are missing. */
export function threadsBetween(
  before: Usage,
  after: Usage,
): readonly (readonly [string, number])[] {
  return [...after.threads]
    .map(([name, cpuMs]) => [name, cpuMs - (before.threads.get(name) ?? 0)] as const)
    .toSorted(([, a], [, b]) => b - a);
}

function statOf(file: string): { readonly name: string; readonly cpuMs: number } {
  const stat = readFileSync(file, "latin1");
  // The name in parentheses may hold anything; the numbers follow the last one.
  const end = stat.lastIndexOf(")");
  const fields = stat.slice(end + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { name: stat.slice(stat.indexOf("(") + 1, end), cpuMs: (ticks / ticksPerSecond) * 1000 };
}
