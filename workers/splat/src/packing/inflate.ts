/** Compressed assets: unpacked as a stream, so that a bomb is stopped at the limit and not after it. */

import { AssetError, type AssetLimits } from "../splat.ts";
import { unpackFrames } from "./frames.ts";

/** Bytes that are passed to `wantedBytes`. */
const peekBytes = 16;

/**
 * @param wantedBytes how much of the content is needed, from its first `peekBytes` bytes (fewer when there are no
 * more); undefined wants all. What follows is neither unpacked nor judged.
 * @throws AssetError `too-large` over the limit, `malformed` and `truncated` for a stream that is damaged or cut short
 */
export async function inflate(
  bytes: Uint8Array,
  limits: AssetLimits,
  wantedBytes: (start: Uint8Array) => number | undefined,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  let wanted: number | undefined;
  const judge = (): void => {
    wanted = wantedBytes(join(parts, Math.min(size, peekBytes)));
  };
  let isJudged = false;
  for await (const part of unpackFrames(bytes)) {
    parts.push(part);
    size += part.length;
    if (size > limits.maxDecompressedBytes) {
      throw new AssetError(
        "too-large",
        `the asset unpacks to more than ${limits.maxDecompressedBytes} bytes`,
      );
    }
    if (!isJudged && size >= peekBytes) {
      isJudged = true;
      judge();
    }
    if (wanted !== undefined && size >= wanted) {
      break;
    }
  }
  if (!isJudged) {
    judge();
  }
  return join(parts, Math.min(size, wanted ?? size));
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
