/** gzip and zstd, by Node; in browsers `codecs-browser.ts` stands in its place (`#codecs` in package.json). */
import * as zlib from "node:zlib";
import { AssetError } from "../splat.ts";

export type Compression = "gzip" | "zstd";

/** Bytes of a part that is unpacked at once. */
const chunkBytes = 1 << 20;
const zstdLevel = 12;

/** One zstd frame in parts; returns its length. What follows it is left alone. @throws AssetError */
export async function* unpackZstdFrame(bytes: Uint8Array): AsyncGenerator<Uint8Array, number> {
  needZstd();
  const stream = zlib.createZstdDecompress({ chunkSize: chunkBytes });
  stream.end(bytes);
  try {
    yield* stream;
  } catch (error) {
    throw damaged("zstd", error);
  }
  return stream.bytesWritten;
}

/** One deflate stream in parts; returns its length. What follows it is left alone. @throws AssetError */
export async function* unpackDeflate(bytes: Uint8Array): AsyncGenerator<Uint8Array, number> {
  const stream = zlib.createInflateRaw({ chunkSize: chunkBytes });
  stream.end(bytes);
  try {
    yield* stream;
  } catch (error) {
    throw damaged("gzip", error);
  }
  return stream.bytesWritten;
}

/** A zstd frame whose content has `size` bytes. @throws AssetError when it has another length */
export function unzstdOf(bytes: Uint8Array, size: number): Uint8Array {
  needZstd();
  return exactly(size, "zstd", () => zlib.zstdDecompressSync(bytes, { maxOutputLength: size }));
}

/** A deflate stream whose content has `size` bytes. @throws AssetError when it has another length */
export function inflateOf(bytes: Uint8Array, size: number): Uint8Array {
  return exactly(size, "deflate", () => zlib.inflateRawSync(bytes, { maxOutputLength: size }));
}

/** The same with zlib's header and checksum. @throws AssetError when it has another length */
export function inflateZlibOf(bytes: Uint8Array, size: number): Uint8Array {
  return exactly(size, "deflate", () => zlib.inflateSync(bytes, { maxOutputLength: size }));
}

function exactly(size: number, what: string, unpack: () => Uint8Array): Uint8Array {
  if (size === 0) {
    return new Uint8Array(0);
  }
  let content: Uint8Array;
  try {
    content = unpack();
  } catch (error) {
    throw damaged(what, error);
  }
  if (content.length === size) {
    return content;
  }
  throw new AssetError(
    "malformed",
    `the ${what} data unpack to ${content.length} bytes, not ${size} as the file says`,
  );
}

/** Node's zlib names the end of the input a buffer error. */
function damaged(compression: string, cause: unknown): AssetError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "Z_BUF_ERROR") {
    return new AssetError("truncated", `the ${compression} data ends too early`, { cause });
  }
  const what =
    code === "ERR_BUFFER_TOO_LARGE" ? "unpacks to more than the file says" : "is damaged";
  return new AssetError("malformed", `the ${compression} data ${what}`, { cause });
}

/** CRC-32 of gzip and ZIP, going on from `sum`. */
export function crc32(bytes: Uint8Array, sum = 0): number {
  return zlib.crc32(bytes, sum);
}

export function gzip(bytes: Uint8Array): Uint8Array {
  return zlib.gzipSync(bytes);
}

export function zstd(bytes: Uint8Array): Uint8Array {
  needZstd();
  const params = { [zlib.constants.ZSTD_c_compressionLevel]: zstdLevel };
  return zlib.zstdCompressSync(bytes, { params });
}

/** The SDK runs on a Node that has no zstd as well. @throws AssetError */
function needZstd(): void {
  if (zlib.createZstdDecompress === undefined) {
    const message = `zstd needs Node 22.15 or later; this is ${process.version}`;
    throw new AssetError("unsupported-version", message);
  }
}
