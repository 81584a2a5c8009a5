/** Compressed assets: unpacked as a stream, so that a bomb is stopped at the limit and not after it. */
import { createGunzip, createZstdDecompress } from "node:zlib";
import { AssetError, type AssetLimits } from "./splat.ts";

export type Compression = "gzip" | "zstd";

/** By the first bytes. */
export function compressionOf(bytes: Uint8Array): Compression | undefined {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return "gzip";
  const isZstd = bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd;
  return isZstd ? "zstd" : undefined;
}

/** Bytes that are passed to `wantedBytes`. */
export const peekBytes = 16;
const chunkBytes = 1 << 20;

/**
 * @param wantedBytes how much of the content is needed, from its first `peekBytes` bytes (fewer when there are no
 * more); undefined wants all. What follows is neither unpacked nor judged.
 * @throws AssetError `too-large` over the limit, `malformed` for a stream that is damaged or cut short
 */
export async function inflate(
  bytes: Uint8Array,
  compression: Compression,
  limits: AssetLimits,
  wantedBytes: (start: Uint8Array) => number | undefined,
): Promise<Uint8Array> {
  const stream =
    compression === "gzip"
      ? createGunzip({ chunkSize: chunkBytes })
      : createZstdDecompress({ chunkSize: chunkBytes });
  const parts: Uint8Array[] = [];
  let size = 0;
  let wanted: number | undefined;
  const judge = (): void => {
    wanted = wantedBytes(join(parts, Math.min(size, peekBytes)));
  };
  let isJudged = false;
  stream.end(bytes);
  try {
    for await (const part of stream) {
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
      if (wanted !== undefined && size >= wanted) break;
    }
  } catch (error) {
    if (error instanceof AssetError) throw error;
    throw new AssetError("malformed", `the ${compression} data is damaged or cut short`, {
      cause: error,
    });
  } finally {
    stream.destroy();
  }
  if (!isJudged) judge();
  return join(parts, Math.min(size, wanted ?? size));
}

function join(parts: readonly Uint8Array[], size: number): Uint8Array {
  const [only] = parts;
  if (only !== undefined && only.length >= size) return only.subarray(0, size);
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    if (at >= size) break;
    whole.set(part.subarray(0, size - at), at);
    at += part.length;
  }
  return whole;
}
