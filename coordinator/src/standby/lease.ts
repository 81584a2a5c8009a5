/**
 * Who leads, by the time of one's own machine alone.
 *
 * E1 Whoever stands by takes a lease over only after it has seen it unchanged for its whole length; its holder counts
 *    on it for a part of that length since it began to renew it. So the holder stops before another begins.
 * E2 A holder that cannot renew in time leads no more, until it has renewed: as long as nobody took the lease, it is
 *    still its own. One that was taken is lost for good.
 */
import { type LeaseHolder, OvertakenError, type StateLease } from "@turntable/bus";
import { type Loop, startLoop } from "@turntable/process";

export interface HeldLease extends AsyncDisposable {
  /** Whether nobody else can have it now (E1). */
  isValid(): boolean;
  /** Since it was last renewed, in ms. */
  ageMs(): number;
  /** Aborted when another has it. */
  readonly lost: AbortSignal;
  /** Gives it back, so that another may take it at once; false when another has it already. */
  release(): Promise<boolean>;
}

/** So many renewals in the length of a lease. */
const renewals = 4;
/** The part of its length that a holder counts on. */
const trusted = 0.9;

export interface LeaseOptions {
  readonly lease: StateLease;
  readonly holder: LeaseHolder;
  /** As it was just written. */
  readonly revision: number;
  /** When that was begun, as `now`. */
  readonly writtenAt: number;
  readonly lengthMs: number;
  readonly onTrouble: (what: string, error: unknown) => void;
  /** ms of a clock that is never set */
  readonly now: () => number;
}

/** Renews a lease that was just taken, until it is disposed. */
export function holdLease(options: LeaseOptions): HeldLease {
  const { lease, holder, lengthMs, now } = options;
  const lost = new AbortController();
  let { revision, writtenAt: renewedAt } = options;
  /** It is not known whether the last renewal was stored. */
  let isUncertain = false;
  let toldTrouble = false;

  const lose = ({ name }: LeaseHolder): void =>
    lost.abort(new OvertakenError(`another coordinator leads: ${name}`));
  const renew = async (): Promise<void> => {
    if (lost.signal.aborted) {
      return;
    }
    try {
      if (isUncertain) {
        const current = await lease.read();
        if (current !== undefined && current.holder !== holder.holder) {
          lose(current);
          return;
        }
        revision = current?.revision ?? 0; // that NATS has lost all is found by the log
        isUncertain = false;
      }
      const begunAt = now();
      isUncertain = true;
      revision = await lease.write(holder, revision);
      isUncertain = false;
      renewedAt = begunAt;
      toldTrouble = false;
    } catch (error) {
      if (error instanceof OvertakenError) {
        // A renewal of our own whose answer was lost looks the same.
        const current = await lease.read().catch(() => undefined);
        if (current === undefined || current.holder === holder.holder) {
          isUncertain = true;
        } else {
          lose(current);
        }
        return;
      }
      if (!toldTrouble) {
        options.onTrouble("the lease could not be renewed", error);
      }
      toldTrouble = true;
    }
  };
  const loop: Loop = startLoop({
    everyMs: Math.max(1, Math.round(lengthMs / renewals)),
    run: renew,
    onTrouble: (error) => options.onTrouble("the lease could not be renewed", error),
  });
  return {
    isValid: () => !lost.signal.aborted && now() - renewedAt < lengthMs * trusted, // E1
    ageMs: () => now() - renewedAt,
    lost: lost.signal,
    async release() {
      await loop[Symbol.asyncDispose]();
      await renew(); // the revision is known then
      if (lost.signal.aborted) {
        return false;
      }
      await lease.write({ ...holder, isReleased: true }, revision);
      return true;
    },
    [Symbol.asyncDispose]: () => loop[Symbol.asyncDispose](),
  };
}

/** The lease as somebody sees it who would take it. */
export function createLeaseWatch(lengthMs: number, now: () => number) {
  let seen: { readonly revision: number; readonly at: number } | undefined;
  return {
    /**
     * Whether it may be taken (E1).
     * @param own an earlier process of this data directory is gone, and its lease with it; a copy of one has another name
     */
    isFree(
      current: (LeaseHolder & { readonly revision: number }) | undefined,
      own: Pick<LeaseHolder, "directory" | "name">,
    ): boolean {
      if (current === undefined || current.isReleased) {
        return true;
      }
      if (current.directory === own.directory && current.name === own.name) {
        return true;
      }
      if (seen?.revision !== current.revision) {
        seen = { revision: current.revision, at: now() };
      }
      return now() - seen.at >= lengthMs;
    },
    /** Since it was seen to change, in ms; undefined when it was never seen held. */
    ageMs: (): number | undefined => (seen === undefined ? undefined : now() - seen.at),
  };
}
