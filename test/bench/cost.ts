/** What a run takes, by the clock and of the processor. */
export interface Cost {
  readonly wallMs: number;
  /** Processor time of all threads of this process. */
  readonly cpuMs: number;
}

export async function costOf(run: () => Promise<unknown>): Promise<Cost> {
  const since = performance.now();
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return { wallMs: performance.now() - since, cpuMs: (user + system) / 1000 };
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
