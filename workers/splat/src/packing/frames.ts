/**
 * What a compressed file is made of: zstd frames or gzip members, one after the other, whose contents belong together.
 * Node's own streams end at the first zstd frame, and take what follows a gzip member for a broken one.
 */

import { type Compression, crc32, unpackDeflate, unpackZstdFrame } from "#codecs";
import { AssetError } from "../splat.ts";

/** By the first bytes. */
export function compressionOf(bytes: Uint8Array): Compression | undefined {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    return "gzip";
  }
  return isZstdFrame(bytes) || isSkippableFrame(bytes) ? "zstd" : undefined;
}

/** Real files have one or a few; each takes a fraction of a millisecond to set up. */
const mostFrames = 1_000;
const gzipTrailerBytes = 8;

/** The content in parts, as it is unpacked. What follows the last frame is ignored. @throws AssetError */
export async function* unpackFrames(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  let rest = bytes;
  for (let frames = 0; compressionOf(rest) !== undefined; frames++) {
    if (frames === mostFrames) {
      throw new AssetError(
        "too-large",
        `the asset is packed in more than ${mostFrames} pieces; pack it in one`,
      );
    }
    let size: number;
    if (isSkippableFrame(rest)) {
      size = 8 + viewOf(rest, 8).getUint32(4, true);
    } else if (isZstdFrame(rest)) {
      size = yield* unpackZstdFrame(rest);
    } else {
      size = yield* unpackGzip(rest);
    }
    rest = rest.subarray(size);
  }
}

function isZstdFrame(bytes: Uint8Array): boolean {
  return bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd;
}

/** Whether it is a zstd frame to be skipped: its length, and bytes that mean nothing to the content. */
function isSkippableFrame(bytes: Uint8Array): boolean {
  const [first = 0, second, third, fourth] = bytes;
  return first >> 4 === 5 && second === 0x2a && third === 0x4d && fourth === 0x18;
}

/** Returns the length of the member. The header is read here, so that a stream of one member is what is left. */
async function* unpackGzip(bytes: Uint8Array): AsyncGenerator<Uint8Array, number> {
  const start = gzipHeaderBytes(bytes);
  const parts = unpackDeflate(bytes.subarray(start));
  let [sum, size] = [0, 0];
  let next = await parts.next();
  for (; next.done !== true; next = await parts.next()) {
    sum = crc32(next.value, sum);
    size += next.value.length;
    yield next.value;
  }
  const end = start + next.value;
  const trailer = viewOf(bytes.subarray(end), gzipTrailerBytes);
  if (trailer.getUint32(0, true) !== sum || trailer.getUint32(4, true) !== size % 2 ** 32) {
    throw new AssetError("malformed", "the gzip data is damaged: its checksum is another");
  }
  return end + gzipTrailerBytes;
}

/** Source: RFC 1952, 2.3. */
function gzipHeaderBytes(bytes: Uint8Array): number {
  const [hasHeaderSum, hasExtra, hasName, hasComment] = [2, 4, 8, 16];
  const fixedBytes = 10;
  const flags = viewOf(bytes, fixedBytes).getUint8(3);
  let at = fixedBytes;
  if ((flags & hasExtra) !== 0) {
    at += 2 + viewOf(bytes.subarray(at), 2).getUint16(0, true);
  }
  for (const flag of [hasName, hasComment]) {
    if ((flags & flag) === 0) {
      continue;
    }
    const end = bytes.indexOf(0, at);
    at = end < 0 ? bytes.length : end + 1;
  }
  return (flags & hasHeaderSum) === 0 ? at : at + 2;
}

/** A view of the first `size` bytes. @throws AssetError `truncated` when there are fewer */
function viewOf(bytes: Uint8Array, size: number): DataView {
  if (bytes.length < size) {
    throw new AssetError("truncated", "the compressed data ends too early");
  }
  return new DataView(bytes.buffer, bytes.byteOffset, size);
}
