import type { WorkerState } from "./contract.ts";

/** Whether a worker takes jobs (Q11), for as long as its process lives. */
export interface DrainSwitch {
  isOn(): boolean;
  set(on: boolean): void;
  /** Waits until it is off or `signal` is aborted. */
  whenOff(signal: AbortSignal): Promise<void>;
}

/** Off at first. `onChange` hears of it before those who wait. */
export function createDrainSwitch(onChange: (on: boolean) => void = () => {}): DrainSwitch {
  let isOn = false;
  const waiting = new Set<() => void>();
  return {
    isOn: () => isOn,
    set(on) {
      if (on === isOn) {
        return;
      }
      isOn = on;
      onChange(on);
      if (!on) {
        for (const wake of [...waiting]) {
          wake();
        }
      }
    },
    async whenOff(signal) {
      while (isOn && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>();
        const wake = () => resolve();
        waiting.add(wake);
        signal.addEventListener("abort", wake);
        await promise;
        waiting.delete(wake);
        signal.removeEventListener("abort", wake);
      }
    },
  };
}

/** @param hasAsked it has asked for a job once: before, it loads what it works with */
export function workerStateOf(isDraining: boolean, hasAsked: boolean, inWork: number): WorkerState {
  if (isDraining) {
    return inWork > 0 ? "draining" : "drained";
  }
  if (!hasAsked) {
    return "loading";
  }
  return inWork > 0 ? "working" : "ready";
}
