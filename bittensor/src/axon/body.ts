/** Reading request bodies within limits, and reading refused ones to their end, so that the answer gets through. */
import type { IncomingMessage } from "node:http";

export type BodyOutcome =
  | { readonly kind: "read"; readonly bytes: Buffer }
  | { readonly kind: "tooLarge"; readonly limitBytes: number }
  /** All bodies together take too much memory just now. */
  | { readonly kind: "busy" }
  /** The caller hung up or paused for too long. */
  | { readonly kind: "gone" };

/** Bytes of bodies in memory at one time, over all calls. */
export interface BodyBudget {
  take(bytes: number): boolean;
  giveBack(bytes: number): void;
}

export function createBodyBudget(totalBytes: number): BodyBudget {
  let used = 0;
  return {
    take(bytes) {
      if (used + bytes > totalBytes) return false;
      used += bytes;
      return true;
    },
    giveBack(bytes) {
      used -= bytes;
    },
  };
}

/** The bytes it took from the budget stay taken, until the caller of this gives `bytes.length` back. */
export async function readBody(
  req: IncomingMessage,
  limitBytes: number,
  budget: BodyBudget,
  idleMs: number,
): Promise<BodyOutcome> {
  const declared = Number(req.headers["content-length"] ?? 0);
  if (declared > limitBytes) return { kind: "tooLarge", limitBytes };
  const chunks: Buffer[] = [];
  let size = 0;
  let stopped: BodyOutcome | undefined;
  const ended = await readThrough(req, idleMs, (chunk) => {
    if (size + chunk.length > limitBytes) stopped = { kind: "tooLarge", limitBytes };
    else if (!budget.take(chunk.length)) stopped = { kind: "busy" };
    else {
      size += chunk.length;
      chunks.push(chunk);
    }
    return stopped === undefined;
  });
  if (stopped === undefined && ended) return { kind: "read", bytes: Buffer.concat(chunks, size) };
  budget.giveBack(size);
  return stopped ?? { kind: "gone" };
}

/** Reads on and throws away, up to a limit. @returns whether the body's end was reached */
export async function drainBody(
  req: IncomingMessage,
  limitBytes: number,
  idleMs: number,
): Promise<boolean> {
  if (req.readableEnded) return true;
  if (Number(req.headers["content-length"] ?? 0) > limitBytes) return false;
  let size = 0;
  return readThrough(req, idleMs, (chunk) => {
    size += chunk.length;
    return size <= limitBytes;
  });
}

/** Hands out chunks until the body ends (true), or the taker says stop, the caller goes, or it pauses (false). */
function readThrough(
  req: IncomingMessage,
  idleMs: number,
  take: (chunk: Buffer) => boolean,
): Promise<boolean> {
  return new Promise((resolve) => {
    const { socket } = req;
    const finish = (ended: boolean): void => {
      socket.setTimeout(0);
      socket.off("timeout", onTimeout);
      req.off("data", onData).off("end", onEnd).off("close", onClose).off("error", onClose);
      if (!ended) req.pause();
      resolve(ended);
    };
    const onData = (chunk: Buffer): void => {
      if (!take(chunk)) finish(false);
    };
    const onEnd = (): void => finish(true);
    const onClose = (): void => finish(req.readableEnded);
    const onTimeout = (): void => {
      socket.destroy();
      finish(false);
    };
    if (req.destroyed) return resolve(false);
    req.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
    socket.setTimeout(idleMs, onTimeout);
    req.resume();
  });
}
