/** A bounded line in front of an engine, first come, first served. */

/** The line is as long as it may be, or closed. */
export class QueueFullError extends Error {
  override name = "QueueFullError";
  readonly code = "queue-full";
  /** When it is worth trying again. */
  readonly retryAfterS: number;
  constructor(message: string, retryAfterS: number) {
    super(message);
    this.retryAfterS = retryAfterS;
  }
}

export interface WorkQueue {
  readonly running: number;
  readonly waiting: number;
  /**
   * Does the work when it is its turn. `position` is how many are before it, 0: it starts at once.
   * @throws QueueFullError at once; or the signal's reason, also while it waits
   */
  enter<T>(
    work: () => Promise<T>,
    signal: AbortSignal,
  ): { readonly position: number; readonly done: Promise<T> };
  /** Turns away all that wait and all that come. */
  close(): void;
}

interface Waiting {
  start(): void;
  turnAway(error: Error): void;
}

/** Weight of the last duration in the average. */
const recent = 0.3;

/**
 * @param concurrency how many run at a time
 * @param capacity how many may wait
 */
export function createQueue(
  concurrency: number,
  capacity: number,
  now: () => number = () => performance.now(),
): WorkQueue {
  const line: Waiting[] = [];
  let running = 0;
  let isClosed = false;
  let averageMs = 1_000;

  const retryAfterS = (): number =>
    Math.max(1, Math.ceil(((line.length / concurrency + 1) * averageMs) / 1000));
  const next = (): void => {
    while (running < concurrency) {
      const first = line.shift();
      if (first === undefined) return;
      first.start();
    }
  };
  const runNow = async <T>(work: () => Promise<T>): Promise<T> => {
    running++;
    const startedAt = now();
    try {
      return await work();
    } finally {
      averageMs += recent * (now() - startedAt - averageMs);
      running--;
      next();
    }
  };
  return {
    get running() {
      return running;
    },
    get waiting() {
      return line.length;
    },
    enter<T>(work: () => Promise<T>, signal: AbortSignal) {
      signal.throwIfAborted();
      if (isClosed) throw new QueueFullError("the endpoint is shutting down", retryAfterS());
      if (running < concurrency) return { position: 0, done: runNow(work) };
      if (line.length >= capacity) {
        throw new QueueFullError(
          `${capacity} requests are waiting already, which is the limit; try again later`,
          retryAfterS(),
        );
      }
      const done = new Promise<T>((resolve, reject) => {
        const onAbort = (): void => {
          line.splice(line.indexOf(waiting), 1);
          reject(signal.reason);
        };
        const waiting: Waiting = {
          start() {
            signal.removeEventListener("abort", onAbort);
            runNow(work).then(resolve, reject);
          },
          turnAway(error) {
            signal.removeEventListener("abort", onAbort);
            reject(error);
          },
        };
        signal.addEventListener("abort", onAbort, { once: true });
        line.push(waiting);
      });
      return { position: line.length, done };
    },
    close() {
      isClosed = true;
      const error = new QueueFullError("the endpoint is shutting down", retryAfterS());
      for (const waiting of line.splice(0)) waiting.turnAway(error);
    },
  };
}
