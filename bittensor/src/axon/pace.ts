/**
 * Whether a body comes in fast enough: it has `graceMs` on account, time takes from it, bytes give back. So a pause may
 * be as long as the grace time and no more, however fast the body was before.
 */
export interface Pace {
  received(bytes: number): void;
  /** Whether the account is empty. */
  isTooSlow(): boolean;
}

/** @param clock ms of a clock that never steps */
export function createPace(leastBytesPerS: number, graceMs: number, clock: () => number): Pace {
  let accountMs = graceMs;
  let lastMs = clock();
  const settle = (): void => {
    const nowMs = clock();
    accountMs -= nowMs - lastMs;
    lastMs = nowMs;
  };
  return {
    received(bytes) {
      settle();
      accountMs = Math.min(graceMs, accountMs + (bytes / leastBytesPerS) * 1000);
    },
    isTooSlow() {
      settle();
      return accountMs <= 0;
    },
  };
}
