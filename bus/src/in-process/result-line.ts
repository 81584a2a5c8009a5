import type { Context } from "@opentelemetry/api";
import type { RenderScoreResult } from "@turntable/proto";
import type { Clock } from "../clock.ts";
import { type ResultDelivery, shutdownGraceMs } from "../contract.ts";

/** Results that the coordinator has not acked. Each is given out again after `ackWaitMs` or its nak's delay. */
export interface ResultLine extends AsyncDisposable {
  push(result: RenderScoreResult, trace: Context): void;
  /** Ends when the line is disposed or `signal` is aborted. */
  deliveries(signal?: AbortSignal): AsyncIterable<ResultDelivery>;
}

interface Held {
  readonly result: RenderScoreResult;
  readonly trace: Context;
}

export function createResultLine(ackWaitMs: number, clock: Clock): ResultLine {
  const ready = new Set<Held>();
  /** What was given out or waits for its delay, with the function that cancels its timer. */
  const timers = new Map<Held, () => void>();
  const inWork = new Set<Held>();
  let changed = Promise.withResolvers<void>();
  let isClosed = false;

  return {
    push(result, trace) {
      offer({ result, trace });
    },
    async *deliveries(signal) {
      signal?.addEventListener("abort", notify);
      try {
        while (!isClosed && signal?.aborted !== true) {
          const [held] = ready;
          if (held === undefined) {
            await changed.promise;
            continue;
          }
          yield giveOut(held);
        }
      } finally {
        signal?.removeEventListener("abort", notify);
      }
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      notify();
      let isOver = false;
      const cancelGrace = clock.after(shutdownGraceMs, () => {
        isOver = true;
        notify();
      });
      while (inWork.size > 0 && !isOver) {
        await changed.promise;
      }
      cancelGrace();
      for (const cancel of timers.values()) {
        cancel();
      }
    },
  };

  function offer(held: Held): void {
    timers.delete(held);
    inWork.delete(held);
    ready.add(held);
    notify();
  }

  function giveOut(held: Held): ResultDelivery {
    ready.delete(held);
    inWork.add(held);
    timers.set(
      held,
      clock.after(ackWaitMs, () => offer(held)),
    );
    let isSettled = false;
    const settle = (): boolean => {
      // One given out again meanwhile is a new delivery's to settle.
      const isOurs = !isSettled && inWork.has(held);
      isSettled = true;
      if (isOurs) {
        timers.get(held)?.();
        timers.delete(held);
        inWork.delete(held);
        notify();
      }
      return isOurs;
    };
    return {
      result: held.result,
      trace: held.trace,
      async ack() {
        settle();
      },
      async nak(delayMs) {
        if (settle()) {
          timers.set(
            held,
            clock.after(delayMs, () => offer(held)),
          );
        }
      },
    };
  }

  function notify(): void {
    changed.resolve();
    changed = Promise.withResolvers();
  }
}
