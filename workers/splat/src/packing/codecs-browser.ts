/**
 * gzip and zstd where there is no Node: in place of `codecs.ts`, with the same answers and the same errors. deflate is
 * zlib's own algorithm in JavaScript (pako). The zstd decoder (fzstd) trusts what it is given, so frames are taken apart
 * in zstd-frame.ts, where sizes, windows and checksums are judged; a damaged frame without a checksum may be taken here
 * that Node refuses.
 */
import { gzip as deflateGzip, Inflate, Z_BUF_ERROR, Z_OK, type ZStream } from "pako";
import { AssetError } from "../splat.ts";
import { unpackFrame } from "./zstd-frame.ts";

export type Compression = "gzip" | "zstd";

/** Bytes that are handed to zlib at once: what they unpack to is at most a thousand times as much. */
const sliceBytes = 1 << 14;
const chunkBytes = 1 << 20;

/** One zstd frame in parts; returns its length. What follows it is left alone. @throws AssetError */
export async function* unpackZstdFrame(bytes: Uint8Array): AsyncGenerator<Uint8Array, number> {
  return yield* unpackFrame(bytes);
}

/** One deflate stream in parts; returns its length. What follows it is left alone. @throws AssetError */
export async function* unpackDeflate(bytes: Uint8Array): AsyncGenerator<Uint8Array, number> {
  return yield* inflateParts(bytes, "gzip", { raw: true, chunkSize: chunkBytes });
}

/** A zstd frame whose content has `size` bytes. @throws AssetError when it has another length */
export function unzstdOf(bytes: Uint8Array, size: number): Uint8Array {
  return exactly(unpackFrame(bytes), size, "zstd");
}

/** A deflate stream whose content has `size` bytes. @throws AssetError when it has another length */
export function inflateOf(bytes: Uint8Array, size: number): Uint8Array {
  const options = { raw: true, chunkSize: chunkOf(size) };
  return exactly(inflateParts(bytes, "deflate", options), size, "deflate");
}

/** The same with zlib's header and checksum. @throws AssetError when it has another length */
export function inflateZlibOf(bytes: Uint8Array, size: number): Uint8Array {
  const options = { windowBits: 15, chunkSize: chunkOf(size) };
  return exactly(inflateParts(bytes, "deflate", options), size, "deflate");
}

function chunkOf(size: number): number {
  return Math.min(chunkBytes, size + 1);
}

function* inflateParts(
  bytes: Uint8Array,
  name: string,
  options: ConstructorParameters<typeof Inflate>[0],
): Generator<Uint8Array, number> {
  const inflate = new Inflate(options);
  let parts: Uint8Array[] = [];
  let stream: ZStream | undefined;
  inflate.onStart = (opened) => {
    stream = opened;
  };
  inflate.onData = (part) => {
    parts.push(part);
  };
  inflate.onEnd = () => undefined;
  for (let at = 0; at === 0 || (at < bytes.length && !inflate.ended); at += sliceBytes) {
    const slice = bytes.subarray(at, at + sliceBytes);
    inflate.push(slice, at + sliceBytes >= bytes.length);
    yield* parts;
    parts = [];
  }
  if (inflate.err === Z_OK && inflate.ended) {
    return stream?.total_in ?? 0;
  }
  if (inflate.err === Z_OK || inflate.err === Z_BUF_ERROR) {
    throw new AssetError("truncated", `the ${name} data ends too early`);
  }
  throw new AssetError("malformed", `the ${name} data is damaged`, { cause: inflate.msg });
}

function exactly(parts: Generator<Uint8Array, number>, size: number, what: string): Uint8Array {
  if (size === 0) {
    return new Uint8Array(0);
  }
  const content = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    if (at + part.length > size) {
      throw new AssetError("malformed", `the ${what} data unpacks to more than the file says`);
    }
    content.set(part, at);
    at += part.length;
  }
  if (at === size) {
    return content;
  }
  throw new AssetError(
    "malformed",
    `the ${what} data unpack to ${at} bytes, not ${size} as the file says`,
  );
}

/** Source: RFC 1952, 8. */
const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) {
    sum = (sum & 1) === 0 ? sum >>> 1 : (sum >>> 1) ^ 0xedb88320;
  }
  return sum;
});

/** CRC-32 of gzip and ZIP, going on from `sum`. */
export function crc32(bytes: Uint8Array, sum = 0): number {
  let rest = ~sum;
  for (let i = 0; i < bytes.length; i++) {
    rest = (rest >>> 8) ^ (crcTable[(rest ^ (bytes[i] ?? 0)) & 0xff] ?? 0);
  }
  return ~rest >>> 0;
}

export function gzip(bytes: Uint8Array): Uint8Array {
  return deflateGzip(bytes);
}

/** @throws AssetError always: there is no packer for zstd here */
export function zstd(_bytes: Uint8Array): Uint8Array {
  throw new AssetError("unsupported-version", "zstd is not written in browsers; ask for gzip");
}
