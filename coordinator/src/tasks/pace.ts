/** How fast places come free: what a client without one is told to wait. */
export interface Pace {
  /** An organic task has ended. @param now ms since 1970 UTC */
  ended(now: number): void;
  /**
   * Until a place comes free, in ms.
   * @param sharing how many ends it takes on average: 1, or where only a client's own help, how many clients share
   */
  waitMs(now: number, sharing: number): number;
}

/** Ends that the estimate goes by. */
const remembered = 32;
/** Before enough has ended to tell. */
const guessMs = 5_000;
const leastMs = 1_000;

/** @param mostMs what nobody is told to wait longer than: by then every task of now has ended */
export function createPace(mostMs: number): Pace {
  const ends: number[] = [];
  return {
    ended(now) {
      ends.push(now);
      if (ends.length > remembered) {
        ends.shift();
      }
    },
    waitMs(now, sharing) {
      const [first] = ends;
      // The time since the last end counts as well: nothing may end any more.
      const eachMs = first === undefined || ends.length < 2 ? guessMs : (now - first) / ends.length;
      return Math.round(Math.min(mostMs, Math.max(leastMs, eachMs * sharing)));
    },
  };
}
