/** Any asset, told apart by its first bytes; what the miner declared is not believed. */
import { zstdDecompressSync } from "node:zlib";
import { isPly } from "./ply-header.ts";
import { readPly } from "./ply-reader.ts";
import { AssetError, type AssetLimits, defaultAssetLimits, type Splat } from "./splat.ts";

export interface ReadAssetOptions {
  readonly limits?: AssetLimits;
}

/** @throws AssetError, whose code says what is wrong with the bytes; never anything else because of them. */
export async function readAsset(bytes: Uint8Array, options: ReadAssetOptions = {}): Promise<Splat> {
  const limits = options.limits ?? defaultAssetLimits;
  if (bytes.length === 0) throw new AssetError("empty", "the asset has no bytes");
  if (bytes.length > limits.maxDecompressedBytes) {
    throw new AssetError(
      "too-large",
      `the asset has ${bytes.length} bytes; at most ${limits.maxDecompressedBytes} are allowed`,
    );
  }
  const content = isZstd(bytes) ? inflateZstd(bytes, limits) : bytes;
  if (isPly(content)) return readPly(content, limits);
  const start = Buffer.from(content.subarray(0, 8)).toString("hex");
  throw new AssetError("unknown-format", `the asset begins with ${start}; PLY is read`);
}

function isZstd(bytes: Uint8Array): boolean {
  return bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd;
}

function inflateZstd(bytes: Uint8Array, limits: AssetLimits): Uint8Array {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: limits.maxDecompressedBytes });
  } catch (error) {
    if (error instanceof RangeError || codeOf(error) === "ERR_BUFFER_TOO_LARGE") {
      throw new AssetError(
        "too-large",
        `the asset unpacks to more than ${limits.maxDecompressedBytes} bytes`,
        { cause: error },
      );
    }
    throw new AssetError("malformed", "the zstd frame around the asset is broken or cut short", {
      cause: error,
    });
  }
}

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}
