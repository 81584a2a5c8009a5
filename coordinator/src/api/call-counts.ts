/** How much each caller asks: calls a minute as a bucket that fills up again, and calls at one time. */
import type { CallLimits } from "../keys/index.ts";
import { exhausted } from "./errors.ts";

export interface CallCounts {
  /**
   * Counts a call, until what it returns is disposed.
   * @param now ms since some fixed time
   * @throws RpcError RESOURCE_EXHAUSTED
   */
  begin(caller: { readonly id: string; readonly limits: CallLimits }, now: number): Disposable;
}

interface Count {
  running: number;
  /** Calls that it may make now: falls by one with each, and grows with the time up to a minute's. */
  left: number;
  /** When `left` was so. */
  at: number;
}

const minuteMs = 60_000;
/** When a caller with too many calls in work is told to come back: until then one will have ended, in ms. */
const busyRetryMs = 1_000;
/** Callers that are remembered; of the others nothing is running and a minute has passed. */
const maxIdle = 1_000;
const uncounted: Disposable = { [Symbol.dispose]() {} };

export function createCallCounts(): CallCounts {
  const counts = new Map<string, Count>();
  const forgetIdle = (now: number): void => {
    for (const [id, { running, at }] of counts) {
      if (running === 0 && at < now - minuteMs) {
        counts.delete(id);
      }
    }
  };
  return {
    begin({ id, limits: { callsPerMinute, concurrentCalls } }, now) {
      if (callsPerMinute === 0 && concurrentCalls === 0) {
        return uncounted;
      }
      const count = counts.get(id) ?? { running: 0, left: callsPerMinute, at: now };
      if (concurrentCalls > 0 && count.running >= concurrentCalls) {
        const message = `${concurrentCalls} calls of this caller are in work, which is its limit; end some before the next`;
        throw exhausted("concurrent_calls", message, busyRetryMs);
      }
      if (callsPerMinute > 0) {
        const grown = (Math.max(0, now - count.at) * callsPerMinute) / minuteMs;
        const left = Math.min(callsPerMinute, count.left + grown);
        if (left < 1) {
          const message = `this caller may make ${callsPerMinute} calls a minute`;
          throw exhausted("calls", message, Math.ceil(((1 - left) * minuteMs) / callsPerMinute));
        }
        count.left = left - 1;
      }
      count.at = now;
      count.running++;
      counts.set(id, count);
      if (counts.size > maxIdle) {
        forgetIdle(now);
      }
      return {
        [Symbol.dispose]() {
          count.running--;
        },
      };
    },
  };
}
