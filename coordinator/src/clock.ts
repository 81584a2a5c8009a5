/**
 * The coordinator's clock: that of the machine, but without its steps. Deadlines, cooldowns and the order of attempts
 * hang on it, so a machine whose time is set must not end them all at once, nor make them last.
 */

export interface ClockOptions {
  /** The machine's time, ms since 1970 UTC. */
  readonly wall?: () => number;
  /** ms since some fixed time, without steps. */
  readonly monotonic?: () => number;
  /** Told once when the machine's time has been set by more than `stepMs`, with by how much (ms). */
  readonly onStep?: (offMs: number) => void;
}

/** The share of the time that passes by which the clock comes nearer to the machine's: an hour takes a day. */
const slewShare = 0.05;
/** From here on a difference is told of, in ms; what time servers correct in passing is below. */
const stepMs = 5_000;

/** A clock in whole ms since 1970 UTC that never goes back and never jumps; it begins with the machine's time. */
export function createClock(options: ClockOptions = {}): () => number {
  const { wall = Date.now, monotonic = () => performance.now(), onStep = () => {} } = options;
  let at = monotonic();
  let time = wall();
  let isOff = false;
  return () => {
    const passed = Math.max(0, monotonic() - at);
    at += passed;
    const off = wall() - (time + passed);
    const most = passed * slewShare;
    time += passed + Math.min(most, Math.max(-most, off));
    if (Math.abs(off) < stepMs) {
      isOff = false;
    } else if (!isOff) {
      isOff = true;
      onStep(off);
    }
    return Math.floor(time);
  };
}
