/**
 * Work that is done again and again while a process lives.
 *
 * L1 A loop never runs beside itself: the pause begins when a run has ended, and a run that is asked for meanwhile
 *    begins after the one in work.
 * L2 A run that fails is reported and ends nothing: the next one comes as usual.
 * L3 Disposing a loop aborts the signal of the run in work, waits for that run, and starts no other.
 */

export interface LoopOptions {
  /** From the end of one run to the begin of the next, in ms: 1 to 2^31 - 1. */
  readonly everyMs: number;
  /** One run; `signal` is aborted when the loop is disposed. */
  readonly run: (signal: AbortSignal) => void | Promise<void>;
  /** Told what a run threw (L2). */
  readonly onTrouble: (error: unknown) => void;
}

export interface Loop extends AsyncDisposable {
  /**
   * Runs without waiting for the pause to end; the pause begins anew. Resolves when a run that began after this call
   * has ended, also when it failed (L2), and at once when the loop is disposed. Calls that come while a run is in work
   * share the one run after it.
   */
  runNow(): Promise<void>;
}

/** The longest that a timer of Node can wait; a longer one would fire at once. */
const maxEveryMs = 2 ** 31 - 1;

/**
 * Starts a loop whose first run comes after `everyMs`; `runNow` brings it forward.
 * @throws RangeError when `everyMs` is no time that a timer can wait
 */
export function startLoop({ everyMs, run, onTrouble }: LoopOptions): Loop {
  if (!(everyMs >= 1 && everyMs <= maxEveryMs)) {
    throw new RangeError(`a loop runs every 1 to ${maxEveryMs} ms, not every ${everyMs} ms`);
  }
  const stopping = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let current: Promise<void> | undefined;
  let following: Promise<void> | undefined;

  const start = (): Promise<void> => {
    clearTimeout(timer);
    current = (async () => {
      await undefined; // so that `current` is set before the run begins, whatever the run does at once
      try {
        await run(stopping.signal);
      } catch (error) {
        onTrouble(error);
      }
      current = undefined;
      if (!stopping.signal.aborted) {
        timer = setTimeout(start, everyMs);
      }
    })();
    return current;
  };
  /** Begins once the run in work has ended, unless the loop was disposed meanwhile. */
  const follow = async (running: Promise<void>): Promise<void> => {
    await running;
    following = undefined;
    if (!stopping.signal.aborted) {
      await start();
    }
  };

  timer = setTimeout(start, everyMs);
  return {
    runNow() {
      if (stopping.signal.aborted) {
        return Promise.resolve();
      }
      if (current === undefined) {
        return start();
      }
      following ??= follow(current); // L1
      return following;
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      clearTimeout(timer);
      await current; // L3
    },
  };
}
