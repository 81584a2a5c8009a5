/**
 * The one bounded line in front of work that can be done a few at a time: first come, first served.
 *
 * W1 At most `concurrency` are at work and at most `capacity` wait; one more is refused at once.
 * W2 A caller that leaves gives its place in the line back at once. Work that has begun gets the same signal and
 *    ends by itself: its place is free when it has ended, not before.
 * W3 After `close` nothing begins any more; what is at work goes on to its end.
 * W4 Work runs in the async context of who entered it (its trace), not of who made room for it.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** The line is as long as it may be (`busy`), or closed (`stopping`). */
export class QueueFullError extends Error {
  override name = "QueueFullError";
  readonly code: "busy" | "stopping";
  /** When it is worth trying again, in whole seconds, at least 1. */
  readonly retryAfterS: number;
  constructor(code: QueueFullError["code"], message: string, retryAfterS: number) {
    super(message);
    this.code = code;
    this.retryAfterS = retryAfterS;
  }
}

export interface WorkQueueOptions {
  /** How many are at work at a time, at least 1. */
  readonly concurrency: number;
  /** How many may wait; `Infinity` only where something before the queue bounds them. */
  readonly capacity: number;
  /** A clock that never goes back, in ms. */
  readonly now?: () => number;
}

export interface Entered<T> {
  /** How many are before it; 0 when it has begun. */
  readonly position: number;
  /** Rejects as the work does; with the signal's reason or a QueueFullError while it waits. */
  readonly done: Promise<T>;
}

/** Disposing it closes it and waits for what is at work. */
export interface WorkQueue extends AsyncDisposable {
  readonly running: number;
  readonly waiting: number;
  /**
   * Does the work when it is its turn.
   * @throws QueueFullError or the signal's reason, at once
   */
  enter<T>(work: () => Promise<T>, signal?: AbortSignal): Entered<T>;
  /** `enter` for those who do not ask for their position; everything that is thrown rejects. */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Turns away all that wait and all that come. */
  close(): void;
  /** Resolves when nothing is at work and nothing waits. */
  idle(): Promise<void>;
}

interface Waiting {
  start(): void;
  turnAway(error: Error): void;
}

/** Weight of the last duration in the average. */
const recent = 0.3;
/** What a work is taken to last before the first one has ended, in ms. */
const firstGuessMs = 1_000;

export function createWorkQueue({
  concurrency,
  capacity,
  now = () => performance.now(),
}: WorkQueueOptions): WorkQueue {
  /** In the order of arrival; a set, so that leaving from its middle is as cheap as from its front. */
  const line = new Set<Waiting>();
  const onIdle: (() => void)[] = [];
  let running = 0;
  let isClosed = false;
  let averageMs = firstGuessMs;

  const refusal = (code: QueueFullError["code"]): QueueFullError => {
    const retryAfterS = Math.max(1, Math.ceil(((line.size / concurrency + 1) * averageMs) / 1_000));
    const why =
      code === "stopping"
        ? "this process is shutting down; ask another"
        : `${running} requests are at work and ${line.size} requests are waiting, which is the limit; ` +
          `try again in ${retryAfterS} s`;
    return new QueueFullError(code, why, retryAfterS);
  };
  const startNext = (): void => {
    for (const first of line) {
      if (running >= concurrency) {
        return;
      }
      line.delete(first);
      first.start();
    }
    if (running === 0) {
      for (const resolve of onIdle.splice(0)) {
        resolve();
      }
    }
  };
  const begin = async <T>(work: () => Promise<T>): Promise<T> => {
    running++;
    const startedAt = now();
    try {
      return await work();
    } finally {
      averageMs += recent * (now() - startedAt - averageMs);
      running--;
      startNext();
    }
  };
  const enter = <T>(work: () => Promise<T>, signal?: AbortSignal): Entered<T> => {
    signal?.throwIfAborted();
    if (isClosed) {
      throw refusal("stopping"); // W3
    }
    if (running < concurrency) {
      return { position: 0, done: begin(work) };
    }
    if (line.size >= capacity) {
      throw refusal("busy"); // W1
    }
    const done = new Promise<T>((resolve, reject) => {
      const onAbort = (): void => {
        line.delete(waiting); // W2
        reject(signal?.reason);
      };
      const inOwnContext = AsyncLocalStorage.snapshot(); // W4
      const waiting: Waiting = {
        start() {
          signal?.removeEventListener("abort", onAbort);
          inOwnContext(() => begin(work)).then(resolve, reject);
        },
        turnAway(error) {
          signal?.removeEventListener("abort", onAbort);
          reject(error);
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      line.add(waiting);
    });
    return { position: line.size, done };
  };
  const close = (): void => {
    isClosed = true;
    const error = refusal("stopping");
    for (const waiting of line) {
      waiting.turnAway(error);
    }
    line.clear();
  };
  const idle = async (): Promise<void> => {
    if (running > 0 || line.size > 0) {
      await new Promise<void>((resolve) => onIdle.push(resolve));
    }
  };
  return {
    get running() {
      return running;
    },
    get waiting() {
      return line.size;
    },
    enter,
    run: async (work, signal) => await enter(work, signal).done,
    close,
    idle,
    async [Symbol.asyncDispose]() {
      close();
      await idle();
    },
  };
}
