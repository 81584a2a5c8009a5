/**
 * Replay protection. Per caller (`hotkey:uuid`) the latest nonces are remembered:
 *
 * N1. No nonce of a caller is accepted twice while it is remembered, and none below those that are.
 * N2. Callers with nanosecond clocks (version 7.2.0 and later) that are not remembered must be recent, so forgetting one
 *     after its window never lets an old request in again. That holds across a restart too, also without a store.
 * N3. Older callers count from their machine's start, so only the memory protects; it is kept for a day.
 * N4. No signature covers the version, so whoever sends a nanosecond clock is never taken for older beyond the time that
 *     its nonces are remembered: a recorded request does not come in again under another version.
 * N5. What one hotkey can make us remember has a limit. Beyond it the hotkey waits, since forgetting early would let its
 *     recorded requests in again; only its owner can bring that about.
 *
 * Python refuses a request that was overtaken by a later one of the same caller; we take it, once, while it is recent.
 */

/** Where nonces are remembered. Calls are synchronous: check and add happen in one turn, without a gap between. */
export interface NonceStore {
  /** The latest nonces of a caller, ascending, `recentNonces` at most; empty when it is unknown. */
  recent(caller: string): readonly bigint[];
  /** Remembers a nonce that was accepted, at least until then. Only the `recentNonces` highest of a caller matter. */
  add(caller: string, nonce: bigint, keepUntilMs: number): void;
  /** How many nonces of all callers of a hotkey are remembered, counted up to `atMost`. */
  count(hotkey: string, atMost: number): number;
}

/** Nonces remembered for one caller: a dendrite has up to 100 connections, all of which may overtake a slow one. */
export const recentNonces = 128;

/**
 * Nonces remembered for all callers of one hotkey. Miners of 2024 make a new caller for each task, so up to 1,440 a day
 * with two or three requests each; each is kept for a day.
 */
export const noncesOfHotkey = 8_192;

export interface NonceCheck {
  readonly hotkey: string;
  readonly uuid: string | null;
  readonly nonce: bigint;
  readonly sdkVersion: number | undefined;
  /** Seconds the caller allows for its call; 0 when it did not say. */
  readonly timeoutS: number;
}

/** The first version that sends nanoseconds since 1970. */
export const firstClockVersion = 7_002_000;

/** 2001 by a nanosecond clock; no machine has run for 31 years. */
const firstClockNonce = 10n ** 18n;

/** Seconds that an unknown caller's nonce may be old, beside its timeout. From the Python SDK. */
const allowedDeltaS = 4;
/** The most of a caller's own timeout that counts, in seconds. */
const maxTimeoutS = 300;
/** ms that older callers' nonces are remembered. */
const legacyKeepMs = 24 * 3600 * 1000;

export interface NonceRules {
  readonly store: NonceStore;
  readonly maxAheadMs: number;
}

/** Why the nonce is refused, in the words of the SDK that the caller speaks; undefined when it is fine. */
export function nonceFault(
  check: NonceCheck,
  { store, maxAheadMs }: NonceRules,
  nowMs: number,
): string | undefined {
  const remembered = store.recent(callerKey(check));
  const highest = remembered.at(-1);
  const ageMs = nowMs - nonceMs(check.nonce);
  if (!hasClock(check.sdkVersion)) {
    const isForgotten = check.nonce >= firstClockNonce && ageMs >= allowedMs(maxTimeoutS);
    if (isForgotten) {
      return "Nonce is too old";
    }
    return highest !== undefined && check.nonce <= highest ? "Nonce is too small" : undefined;
  }

  if (-ageMs > maxAheadMs) {
    return `Nonce is ${seconds(-ageMs)} seconds ahead of this machine's clock; at most ${seconds(maxAheadMs)} are allowed`;
  }
  if (highest !== undefined && check.nonce > highest) {
    return undefined;
  }
  const deltaMs = allowedMs(check.timeoutS);
  if (ageMs >= deltaMs) {
    return highest === undefined
      ? `Nonce is too old: acceptable delta is ${seconds(deltaMs)} seconds but request was ${seconds(ageMs)} seconds old`
      : newerProcessed;
  }
  if (remembered.includes(check.nonce)) {
    return newerProcessed;
  }
  const [lowest] = remembered;
  const overtaken =
    remembered.length < recentNonces || lowest === undefined || check.nonce > lowest;
  return overtaken ? undefined : newerProcessed;
}

/** Whether the hotkey has no place for another nonce (N5). */
export function isNonceMemoryFull({ hotkey }: NonceCheck, store: NonceStore): boolean {
  return store.count(hotkey, noncesOfHotkey) >= noncesOfHotkey;
}

/** Remembers a nonce that `nonceFault` found nothing against and whose signature is right. */
export function rememberNonce(check: NonceCheck, store: NonceStore, nowMs: number): void {
  const until = hasClock(check.sdkVersion)
    ? Math.max(nowMs, nonceMs(check.nonce)) + allowedMs(maxTimeoutS)
    : nowMs + legacyKeepMs;
  store.add(callerKey(check), check.nonce, until);
}

export interface NonceMemoryOptions {
  /** Callers remembered at one time. */
  readonly capacity?: number;
  /** Unix ms */
  readonly now?: () => number;
}

/**
 * Nonces in memory. Callers whose time is over are forgotten; when it is full, the one that was heard of longest ago
 * is, which only a flood of registered callers can bring about. Older SDKs' requests can be replayed after a restart.
 */
export function createNonceMemory(options: NonceMemoryOptions = {}): NonceStore & {
  readonly size: number;
} {
  const { capacity = 100_000, now = Date.now } = options;
  // In the order in which callers were last heard of.
  const callers = new Map<string, { readonly nonces: readonly bigint[]; readonly until: number }>();
  const counts = new Map<string, number>();
  const count = (caller: string, change: number): void => {
    const hotkey = hotkeyOf(caller);
    const held = (counts.get(hotkey) ?? 0) + change;
    if (held > 0) {
      counts.set(hotkey, held);
    } else {
      counts.delete(hotkey);
    }
  };
  return {
    recent(caller) {
      const entry = callers.get(caller);
      return entry === undefined || entry.until < now() ? [] : entry.nonces;
    },
    add(caller, nonce, keepUntilMs) {
      const entry = callers.get(caller);
      const nonces = [...(entry?.nonces ?? []), nonce].toSorted(ascending).slice(-recentNonces);
      callers.delete(caller);
      callers.set(caller, { nonces, until: Math.max(keepUntilMs, entry?.until ?? 0) });
      count(caller, nonces.length - (entry?.nonces.length ?? 0));
      for (const [oldest, { nonces: forgotten, until }] of callers) {
        if (until >= now() && callers.size <= capacity) {
          break;
        }
        callers.delete(oldest);
        count(oldest, -forgotten.length);
      }
    },
    count: (hotkey, atMost) => Math.min(counts.get(hotkey) ?? 0, atMost),
    get size() {
      return callers.size;
    },
  };
}

const newerProcessed = "Nonce is too old, a newer one was last processed";

function hasClock(version: number | undefined): boolean {
  return version !== undefined && version >= firstClockVersion;
}

function callerKey({ hotkey, uuid }: NonceCheck): string {
  return `${hotkey}:${uuid ?? "None"}`;
}

/** The hotkey in a caller's key, of which it is the first part. */
function hotkeyOf(caller: string): string {
  return caller.split(":", 1)[0] ?? caller;
}

function allowedMs(timeoutS: number): number {
  const own = timeoutS > 0 ? Math.min(timeoutS, maxTimeoutS) : 0;
  return (allowedDeltaS + own) * 1000;
}

function nonceMs(nonce: bigint): number {
  return Number(nonce) / 1e6;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
