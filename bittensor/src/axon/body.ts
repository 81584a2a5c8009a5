/**
 * Reading request bodies within limits, and reading refused ones to their end, so that the answer gets through.
 *
 * B1. A small body needs nobody's leave. A large one has a lease on the budget until it is handed over or dropped, from
 *     before its first byte where its size is declared; a hotkey has one lease at a time.
 * B2. What comes in too slowly is cut off.
 */
import type { IncomingMessage } from "node:http";
import type { AxonLimits, RefusalReason } from "./limits.ts";
import { createPace } from "./pace.ts";

export type BodyOutcome =
  | {
      readonly kind: "read";
      /** Each in a buffer of its own, which can be handed to a thread. */
      readonly pieces: readonly Uint8Array<ArrayBuffer>[];
      readonly sizeBytes: number;
      /** To be released once the bytes are no longer held; undefined for a small body. */
      readonly lease: BodyLease | undefined;
    }
  | { readonly kind: "refused"; readonly reason: BodyRefusal }
  /** The caller hung up. */
  | { readonly kind: "gone" };

type BodyRefusal = Extract<
  RefusalReason,
  "body-size" | "body-budget" | "body-of-hotkey" | "slow-body"
>;

/** A share of the budget. */
export interface BodyLease {
  /** Gives it back; again does no harm. */
  release(): void;
}

/** Bytes of large bodies in memory at one time, over all calls. */
export interface BodyBudget {
  lease(hotkey: string, bytes: number): BodyLease | "body-budget" | "body-of-hotkey";
}

export function createBodyBudget(totalBytes: number): BodyBudget {
  let used = 0;
  const holders = new Set<string>();
  return {
    lease(hotkey, bytes) {
      if (holders.has(hotkey)) {
        return "body-of-hotkey";
      }
      if (used + bytes > totalBytes) {
        return "body-budget";
      }
      used += bytes;
      holders.add(hotkey);
      let held = true;
      return {
        release() {
          if (!held) {
            return;
          }
          held = false;
          used -= bytes;
          holders.delete(hotkey);
        },
      };
    },
  };
}

type PaceLimits = Pick<AxonLimits, "bodyLeastBytesPerS" | "bodyGraceMs">;

export interface ReadBodyOptions {
  readonly limitBytes: number;
  readonly limits: PaceLimits & Pick<AxonLimits, "smallBodyBytes">;
  readonly budget: BodyBudget;
  /** The proven one. */
  readonly hotkey: string;
}

/** Size that a request says its body has; 0 when it comes in chunks. */
export function declaredBytes(req: IncomingMessage): number {
  return Number(req.headers["content-length"] ?? 0);
}

export async function readBody(
  req: IncomingMessage,
  { limitBytes, limits, budget, hotkey }: ReadBodyOptions,
): Promise<BodyOutcome> {
  const declared = declaredBytes(req);
  if (declared > limitBytes) {
    return { kind: "refused", reason: "body-size" };
  }
  const state: { lease: BodyLease | undefined; refused: BodyRefusal | undefined } = {
    lease: undefined,
    refused: undefined,
  };
  /** Sees to it that a body of this size may be held; whoever does not say how large it gets has a lease on the most. */
  const mayHold = (bytes: number): boolean => {
    if (bytes <= limits.smallBodyBytes || state.lease !== undefined) {
      return true;
    }
    const leased = budget.lease(hotkey, declared > 0 ? declared : limitBytes);
    if (typeof leased === "string") {
      state.refused = leased;
    } else {
      state.lease = leased;
    }
    return state.refused === undefined;
  };
  if (!mayHold(declared)) {
    return { kind: "refused", reason: state.refused ?? "body-budget" };
  }
  const pieces = createPieces(declared);
  const ending = await readThrough(req, limits, (chunk) => {
    const bytes = pieces.sizeBytes + chunk.length;
    if (bytes > limitBytes) {
      state.refused = "body-size";
    } else if (mayHold(bytes)) {
      pieces.add(chunk);
    }
    return state.refused === undefined;
  });
  if (ending === "ended") {
    return { kind: "read", pieces: pieces.all, sizeBytes: pieces.sizeBytes, lease: state.lease };
  }
  state.lease?.release();
  if (ending === "slow") {
    return { kind: "refused", reason: "slow-body" };
  }
  return state.refused === undefined
    ? { kind: "gone" }
    : { kind: "refused", reason: state.refused };
}

/**
 * Reads on and throws away, up to a limit.
 * @returns whether the body's end was reached, so that the connection can be used on
 */
export async function drainBody(
  req: IncomingMessage,
  limitBytes: number,
  limits: PaceLimits,
): Promise<boolean> {
  if (req.readableEnded) {
    return true;
  }
  if (declaredBytes(req) > limitBytes) {
    return false;
  }
  let size = 0;
  const ending = await readThrough(req, limits, (chunk) => {
    size += chunk.length;
    return size <= limitBytes;
  });
  return ending === "ended";
}

/** Memory grows with what came in, not with what was declared. */
const pieceBytes = 1 << 20;

function createPieces(declared: number) {
  const all: Uint8Array<ArrayBuffer>[] = [];
  let last = new Uint8Array(0);
  let filled = 0;
  let sizeBytes = 0;
  return {
    /** Complete once nothing is added any more. */
    get all(): readonly Uint8Array<ArrayBuffer>[] {
      return filled < last.length ? [...all.slice(0, -1), last.slice(0, filled)] : all;
    },
    get sizeBytes() {
      return sizeBytes;
    },
    add(chunk: Uint8Array): void {
      let rest = chunk;
      while (rest.length > 0) {
        if (filled === last.length) {
          const missing = Math.max(declared - sizeBytes, rest.length);
          last = new Uint8Array(Buffer.allocUnsafeSlow(Math.min(missing, pieceBytes)).buffer);
          all.push(last);
          filled = 0;
        }
        const part = rest.subarray(0, last.length - filled);
        last.set(part, filled);
        filled += part.length;
        sizeBytes += part.length;
        rest = rest.subarray(part.length);
      }
    },
  };
}

/** How often a body's pace is looked at, at the least. */
const paceCheckMs = 1_000;

/** Hands out chunks until the body ends, the taker says stop, the caller goes, or it is too slow. */
function readThrough(
  req: IncomingMessage,
  { bodyLeastBytesPerS, bodyGraceMs }: PaceLimits,
  take: (chunk: Buffer) => boolean,
): Promise<"ended" | "stopped" | "gone" | "slow"> {
  return new Promise((resolve) => {
    const pace = createPace(bodyLeastBytesPerS, bodyGraceMs, () => performance.now());
    const finish = (ending: "ended" | "stopped" | "gone" | "slow"): void => {
      clearInterval(timer);
      req.off("data", onData).off("end", onEnd).off("close", onClose).off("error", onClose);
      if (ending !== "ended") {
        req.pause();
      }
      resolve(ending);
    };
    const onData = (chunk: Buffer): void => {
      pace.received(chunk.length);
      if (!take(chunk)) {
        finish("stopped");
      }
    };
    const onEnd = (): void => finish("ended");
    const onClose = (): void => finish(req.readableEnded ? "ended" : "gone");
    const timer = setInterval(
      () => {
        if (pace.isTooSlow()) {
          finish("slow");
        }
      },
      Math.min(paceCheckMs, bodyGraceMs),
    );
    if (req.destroyed) {
      return onClose();
    }
    req.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
    req.resume();
  });
}
