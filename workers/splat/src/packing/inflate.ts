/** Compressed assets: unpacked as a stream, so that a bomb is stopped at the limit and not after it. */

import { AssetError, type AssetLimits } from "../splat.ts";
import { unpackFrames } from "./frames.ts";

/** Bytes that are passed to `wantedBytes`. */
const peekBytes = 16;
/** Bytes that are passed to `checkStart`: as long as a header may be. */
const startBytes = 64 * 1024;

export interface InflateOptions {
  /**
   * How much of the content is needed, from its first `peekBytes` bytes (fewer when there are no more); undefined wants
   * all. What follows is neither unpacked nor judged.
   */
  readonly wantedBytes: (start: Uint8Array) => number | undefined;
  /** Throws for content that will not be read anyway, from its first `startBytes` bytes (fewer when there are no more). */
  readonly checkStart?: (start: Uint8Array) => void;
}

/**
 * @throws AssetError `too-large` and `too-much-memory` over a limit, `malformed` and `truncated` for a stream that is
 * damaged or cut short, and what the options throw
 */
export async function inflate(
  bytes: Uint8Array,
  limits: AssetLimits,
  { wantedBytes, checkStart }: InflateOptions,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  let wanted: number | undefined;
  const first = (most: number): Uint8Array => join(parts, Math.min(size, most));
  const looks = [
    { atBytes: peekBytes, look: () => (wanted = wantedBytes(first(peekBytes))) },
    { atBytes: startBytes, look: () => checkStart?.(first(startBytes)) },
  ];
  for await (const part of unpackFrames(bytes)) {
    parts.push(part);
    size += part.length;
    checkUnpacked(size, limits);
    while (looks[0] !== undefined && size >= looks[0].atBytes) {
      looks.shift()?.look();
    }
    if (wanted !== undefined && size >= wanted) {
      break;
    }
  }
  for (const { look } of looks) {
    look();
  }
  return join(parts, Math.min(size, wanted ?? size));
}

function checkUnpacked(size: number, { maxDecompressedBytes, maxMemoryBytes }: AssetLimits): void {
  if (size > maxDecompressedBytes) {
    throw new AssetError(
      "too-large",
      `the asset unpacks to more than ${maxDecompressedBytes} bytes`,
    );
  }
  // Its parts lie beside the whole for a moment.
  if (2 * size > maxMemoryBytes) {
    throw new AssetError(
      "too-much-memory",
      `to unpack the asset would take more than the ${maxMemoryBytes} bytes of memory that are allowed`,
    );
  }
}

function join(parts: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = parts;
  if (only !== undefined && only.length >= size) {
    return only.subarray(0, size);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    if (at >= size) {
      break;
    }
    whole.set(part.subarray(0, size - at), at);
    at += part.length;
  }
  return whole;
}
