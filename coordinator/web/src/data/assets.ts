/** The bytes of copies, kept for a while: contact sheet, viewer and download of one copy fetch it once. */
import { subnet } from "../api.ts";
import { isLasting } from "./stream.ts";

/** Of all assets that are kept; the one that was not wanted for longest goes first. */
const keptBytes = 96 << 20;
const tries = 4;

const kept = new Map<string, Promise<Uint8Array>>();
const sizes = new Map<string, number>();

/** What a download says of itself, 0 to 1. */
export type Progress = (share: number) => void;

/**
 * Fetches the asset of a copy, once however often it is asked for.
 * @param signal ends the waiting; the download goes on for whoever waits besides
 */
export async function fetchAsset(
  copyId: string,
  signal: AbortSignal,
  onProgress?: Progress,
): Promise<Uint8Array> {
  const known = kept.get(copyId);
  const wanted = known ?? download(copyId, onProgress);
  kept.delete(copyId);
  kept.set(copyId, wanted); // the latest is the last
  if (known === undefined) {
    wanted.then(
      ({ length }) => {
        sizes.set(copyId, length);
        forget();
      },
      () => kept.delete(copyId),
    );
  }
  signal.throwIfAborted();
  const left = Promise.withResolvers<never>();
  const leave = (): void => left.reject(signal.reason);
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([wanted, left.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

function forget(): void {
  let total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  for (const id of kept.keys()) {
    const size = sizes.get(id);
    if (total <= keptBytes || sizes.size === 1) {
      return;
    }
    if (size !== undefined) {
      total -= size;
      sizes.delete(id);
      kept.delete(id);
    }
  }
}

/** A connection that breaks is taken up where it broke. */
async function download(
  copyId: string,
  onProgress: Progress = () => undefined,
): Promise<Uint8Array> {
  let bytes = new Uint8Array();
  let filled = 0;
  for (let attempt = 1; ; attempt += 1) {
    try {
      for await (const { part } of subnet.downloadSubmission({ copyId, offset: BigInt(filled) })) {
        if (part.case === "asset" && filled === 0) {
          bytes = new Uint8Array(Number(part.value.sizeBytes));
        } else if (part.case === "chunk") {
          bytes.set(part.value, filled);
          filled += part.value.length;
          onProgress(filled / bytes.length);
        }
      }
      if (filled !== bytes.length) {
        throw new Error(`the asset broke off after ${filled} of ${bytes.length} bytes`);
      }
      return bytes;
    } catch (error) {
      if (attempt === tries || isLasting(error)) {
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, attempt * 500));
    }
  }
}
