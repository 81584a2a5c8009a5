/** Any asset, told apart by its first bytes; what a miner declared is believed only where the bytes say nothing. */

import { readDotSplat } from "./dot-splat.ts";
import { compressionOf } from "./packing/frames.ts";
import { inflate } from "./packing/inflate.ts";
import { isPly } from "./ply/header.ts";
import { readPly } from "./ply/reader.ts";
import { AssetError, type AssetLimits, defaultAssetLimits, type Splat } from "./splat.ts";
import { isSpz } from "./spz/format.ts";
import { readPlainSpz, spzWanted } from "./spz/reader.ts";

export interface ReadAssetOptions {
  readonly limits?: AssetLimits;
  /** What cannot be seen in the bytes: `splat` for `.splat`, which has no header. Other formats are recognised. */
  readonly format?: string;
  /** An HDF5 holds opacities, deviations and colours as they are, not their logarithms and coefficients. */
  readonly activated?: boolean;
  /** `readHdf5` of `@turntable/splat/hdf5`; without it HDF5 is an unknown format. */
  readonly readHdf5?: (
    bytes: Uint8Array,
    limits: AssetLimits,
    options: { readonly activated: boolean },
  ) => Promise<Splat>;
}

export type AssetFormat = "ply" | "spz" | "hdf5";

/** By the first bytes of what is inside gzip or zstd; undefined when they are none that is known. */
export function formatOf(bytes: Uint8Array): AssetFormat | undefined {
  if (isPly(bytes)) return "ply";
  if (isSpz(bytes)) return "spz";
  return hdf5Signature.every((byte, index) => bytes[index] === byte) ? "hdf5" : undefined;
}

/** @throws AssetError, whose code says what is wrong with the bytes; never anything else because of them. */
export async function readAsset(bytes: Uint8Array, options: ReadAssetOptions = {}): Promise<Splat> {
  const { limits = defaultAssetLimits, readHdf5 } = options;
  if (bytes.length === 0) throw new AssetError("empty", "the asset has no bytes");
  if (bytes.length > limits.maxDecompressedBytes) {
    throw new AssetError(
      "too-large",
      `the asset has ${bytes.length} bytes; at most ${limits.maxDecompressedBytes} are allowed`,
    );
  }
  const content = await unpackAsset(bytes, limits);
  if (content.length === 0) throw new AssetError("empty", "the asset unpacks to no bytes");
  const format = formatOf(content);
  if (format === "ply") return readPly(content, limits);
  if (format === "spz") return readPlainSpz(content, limits);
  if (format === "hdf5" && readHdf5 !== undefined) {
    return await readHdf5(content, limits, { activated: options.activated ?? false });
  }
  if (options.format === "splat") return readDotSplat(content, limits);
  const start = Buffer.from(content.subarray(0, 8)).toString("hex");
  throw new AssetError(
    "unknown-format",
    `the asset begins with ${start}; PLY, SPZ${readHdf5 === undefined ? "" : ", HDF5"} are read`,
  );
}

/** "\x89HDF\r\n\x1a\n" */
const hdf5Signature = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

/** Out of gzip or zstd; of an SPZ only as much as its header asks for. @throws AssetError */
export async function unpackAsset(
  bytes: Uint8Array,
  limits: AssetLimits = defaultAssetLimits,
): Promise<Uint8Array> {
  if (compressionOf(bytes) === undefined) return bytes;
  return await inflate(bytes, limits, (start) =>
    isSpz(start) ? spzWanted(start, limits) : undefined,
  );
}
