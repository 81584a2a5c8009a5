/** Many pieces of work, some at a time. */

export interface BatchState {
  readonly done: number;
  readonly failed: number;
  /** undefined while there may be more to come. */
  readonly total: number | undefined;
}

export interface BatchOptions<T> {
  /** At most this many at one time; no more items are taken than that. */
  readonly parallel: number;
  readonly signal: AbortSignal;
  /** @param index of the item, from 0 */
  readonly work: (item: T, index: number) => Promise<void>;
  /** One of them failed; the others go on. */
  readonly onFailure: (item: T, error: unknown) => Promise<void>;
  readonly onChange: (state: BatchState) => void;
}

/** Works on all items; aborted, it rejects with the signal's reason once what runs has ended. */
export async function runBatch<T>(
  items: AsyncIterable<T>,
  options: BatchOptions<T>,
): Promise<{ readonly done: number; readonly failed: number }> {
  const { parallel, signal, work, onFailure, onChange } = options;
  const running = new Set<Promise<void>>();
  const counts = { done: 0, failed: 0 };
  let total: number | undefined;
  const tell = () => onChange({ ...counts, total });
  const run = async (item: T, index: number): Promise<void> => {
    try {
      await work(item, index);
      counts.done++;
    } catch (error) {
      if (!signal.aborted) {
        counts.failed++;
        await onFailure(item, error);
      }
    }
  };
  try {
    let index = 0;
    for await (const item of items) {
      signal.throwIfAborted();
      const one = run(item, index++).finally(() => {
        running.delete(one);
        tell();
      });
      running.add(one);
      tell();
      if (running.size >= parallel) {
        await Promise.race(running);
      }
    }
    total = index;
  } finally {
    await Promise.all(running);
  }
  signal.throwIfAborted();
  return counts;
}
