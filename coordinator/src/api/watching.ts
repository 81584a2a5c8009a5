/** How long a watch lasts: until its caller leaves, we stop, or another connection has to take it over. */
import { unavailable } from "./errors.ts";

export interface WatchLimits {
  /** ms; it lasts as long as the caller when absent. */
  readonly maxWatchMs?: number;
  /** Aborted to end the streams; its reason, an RpcError, goes to their callers. */
  readonly stop: AbortSignal;
}

export interface Watching {
  readonly signal: AbortSignal;
  /**
   * To be called when the watch has come to its end: one that was cut short must not look like that.
   * @throws RpcError UNAVAILABLE
   */
  throwIfCut(): void;
}

export function beginWatch({ maxWatchMs, stop }: WatchLimits, caller: AbortSignal): Watching {
  const over = maxWatchMs === undefined ? undefined : AbortSignal.timeout(maxWatchMs);
  return {
    signal: AbortSignal.any([caller, stop, ...(over === undefined ? [] : [over])]),
    throwIfCut() {
      stop.throwIfAborted();
      if (over?.aborted) {
        throw unavailable("the watch has lasted long enough for one connection; go on", 0);
      }
    },
  };
}
