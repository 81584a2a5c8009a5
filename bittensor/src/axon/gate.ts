/**
 * Who may make a request now: looked at before anything of the request is parsed, hashed or verified.
 *
 * G1. Requests without a proof count against their address. A bucket that is empty bars the address, all but callers
 *     that have proved themselves from there lately; what is forged in their names counts against these names alone.
 * G2. Proven requests count against their hotkey. Nobody else can empty that bucket, so an empty one refuses before
 *     the signature is looked at.
 * G3. A hotkey has so many calls in progress: those that wait hold connections, and these belong to all.
 */
import type { AxonLimits } from "./limits.ts";
import { createTokenBuckets } from "./token-buckets.ts";

export interface Gate {
  /** Why a request must not go on, by its address and the hotkey that it claims; undefined when it may. */
  barred(address: string, hotkey: string | undefined): "address-rate" | "hotkey-rate" | undefined;
  /** A request ended without a proof. @param cost in requests: 2 for two tries at a signature */
  failed(address: string, hotkey: string | undefined, cost: number): void;
  /** A request of a hotkey that is known here was proved. */
  proved(address: string, hotkey: string): void;
  /** A proven call begins; undefined when the hotkey has as many as it may. @returns to be called when it ends, once */
  enter(hotkey: string): (() => void) | undefined;
  /** Whether somebody has proved itself from the address lately. */
  isKnown(address: string): boolean;
  /** Whether this hotkey has, from this address. */
  isKnownCaller(address: string, hotkey: string | undefined): boolean;
}

/** @param clock ms of a clock that never steps */
export function createGate(limits: AxonLimits, clock: () => number): Gate {
  const { strangerPerS, strangerBurst, hotkeyPerS, hotkeyBurst, remembered } = limits;
  const shared = { capacity: remembered, clock };
  const strangers = createTokenBuckets({ perS: strangerPerS, burst: strangerBurst, ...shared });
  const forgeries = createTokenBuckets({ perS: strangerPerS, burst: strangerBurst, ...shared });
  const hotkeys = createTokenBuckets({ perS: hotkeyPerS, burst: hotkeyBurst, ...shared });
  const addresses = createRecent(limits.knownMs, remembered, clock);
  const callers = createRecent(limits.knownMs, remembered, clock);
  const inProgress = new Map<string, number>();
  return {
    barred(address, hotkey) {
      if (hotkey !== undefined && !hotkeys.has(hotkey)) {
        return "hotkey-rate";
      }
      const caller = callerKey(address, hotkey);
      const buckets = callers.has(caller) ? forgeries.has(caller) : strangers.has(address);
      return buckets ? undefined : "address-rate";
    },
    failed(address, hotkey, cost) {
      const caller = callerKey(address, hotkey);
      if (callers.has(caller)) {
        forgeries.spend(caller, cost);
      } else {
        strangers.spend(address, cost);
      }
    },
    proved(address, hotkey) {
      hotkeys.spend(hotkey, 1);
      addresses.add(address);
      callers.add(callerKey(address, hotkey));
    },
    enter(hotkey) {
      const calls = inProgress.get(hotkey) ?? 0;
      if (calls >= limits.hotkeyCalls) {
        return undefined;
      }
      inProgress.set(hotkey, calls + 1);
      return () => {
        const left = (inProgress.get(hotkey) ?? 1) - 1;
        if (left === 0) {
          inProgress.delete(hotkey);
        } else {
          inProgress.set(hotkey, left);
        }
      };
    },
    isKnown: (address) => addresses.has(address),
    isKnownCaller: (address, hotkey) => callers.has(callerKey(address, hotkey)),
  };
}

function callerKey(address: string, hotkey: string | undefined): string {
  return `${address} ${hotkey ?? ""}`;
}

/** Keys heard of within the last `keepMs`, `capacity` of them at most: the one heard of longest ago goes first. */
function createRecent(keepMs: number, capacity: number, clock: () => number) {
  const heardOf = new Map<string, number>();
  return {
    has(key: string): boolean {
      const at = heardOf.get(key);
      return at !== undefined && clock() - at <= keepMs;
    },
    add(key: string): void {
      heardOf.delete(key);
      heardOf.set(key, clock());
      for (const [oldest, at] of heardOf) {
        if (heardOf.size <= capacity && clock() - at <= keepMs) {
          break;
        }
        heardOf.delete(oldest);
      }
    },
  };
}
