/**
 * What a miner hands in, told apart by its first bytes; what was declared is believed only where the bytes say nothing.
 * Which formats, versions and names are taken here is a rule of the subnet; `readAnySplat` takes what people have.
 */

import { checkSplat } from "./checks.ts";
import { decodeDotSplat } from "./dot-splat.ts";
import { kindOfOther } from "./foreign.ts";
import { isHdf5 } from "./hdf5-signature.ts";
import { limitsBeside } from "./memory.ts";
import { compressionOf } from "./packing/frames.ts";
import { inflate } from "./packing/inflate.ts";
import { isPly } from "./ply/header.ts";
import { checkPlyStart, readPly } from "./ply/reader.ts";
import { AssetError, type AssetLimits, defaultAssetLimits, type Splat } from "./splat.ts";
import { isSpzContainer } from "./spz/container.ts";
import { isSpz } from "./spz/format.ts";
import { readPlainSpz, spzWanted } from "./spz/reader.ts";
import { firstBytes } from "./text.ts";

export interface ReadAssetOptions {
  readonly limits?: AssetLimits;
  /** What cannot be seen in the bytes: `splat` for `.splat`, which has no header. Other formats are recognised. */
  readonly format?: string;
  /**
   * The file holds opacities and deviations as they are, not their logits and logarithms; HDF5 colours as well. For
   * `readAsset` that is a word about HDF5 alone, as the subnet's `data_ver` was; for `readAnySplat` about PLY too, and an
   * error for other formats.
   */
  readonly activated?: boolean;
  /** `readHdf5` of `@turntable/splat/hdf5`; without it HDF5 is an unknown format. */
  readonly readHdf5?: (
    bytes: Uint8Array,
    limits: AssetLimits,
    options: { readonly activated: boolean; readonly unjudged?: boolean },
  ) => Promise<Splat>;
}

/** What the subnet takes. */
export type AssetFormat = "ply" | "spz" | "hdf5";

/** By the first bytes of what is inside gzip or zstd; undefined when they are none that the subnet takes. */
export function formatOf(bytes: Uint8Array): AssetFormat | undefined {
  if (isPly(bytes)) {
    return "ply";
  }
  if (isSpz(bytes)) {
    return "spz";
  }
  return isHdf5(bytes) ? "hdf5" : undefined;
}

/** @throws AssetError, whose code says what is wrong with the bytes; never anything else because of them. */
export async function readAsset(bytes: Uint8Array, options: ReadAssetOptions = {}): Promise<Splat> {
  const { limits: given = defaultAssetLimits, readHdf5 } = options;
  checkSize(bytes, given);
  const content = await unpackAsset(bytes, given);
  const limits = content === bytes ? given : limitsBeside(bytes.length, given);
  if (content.length === 0) {
    throw new AssetError("empty", "the asset unpacks to no bytes");
  }
  const format = formatOf(content);
  if (format === "ply") {
    return readPly(content, limits);
  }
  if (format === "spz") {
    return readPlainSpz(content, limits);
  }
  if (format === "hdf5" && readHdf5 !== undefined) {
    return await readHdf5(content, limits, { activated: options.activated ?? false });
  }
  if (options.format === "splat") {
    return checkSplat(decodeDotSplat(content, limits), limits);
  }
  const other = kindOfOther(content);
  throw new AssetError(
    "unknown-format",
    `the asset ${other === undefined ? `begins with ${firstBytes(content)}` : `is ${other}`}; PLY, SPZ${readHdf5 === undefined ? "" : ", HDF5"} are read`,
  );
}

function checkSize(bytes: Uint8Array, limits: AssetLimits): void {
  if (bytes.length === 0) {
    throw new AssetError("empty", "the asset has no bytes");
  }
  if (bytes.length > limits.maxDecompressedBytes) {
    throw new AssetError(
      "too-large",
      `the asset has ${bytes.length} bytes; at most ${limits.maxDecompressedBytes} are allowed`,
    );
  }
}

/** Out of gzip or zstd; of an SPZ only as much as its header asks for. @throws AssetError */
export async function unpackAsset(
  bytes: Uint8Array,
  limits: AssetLimits = defaultAssetLimits,
): Promise<Uint8Array> {
  if (compressionOf(bytes) === undefined) {
    return bytes;
  }
  const inner = limitsBeside(bytes.length, limits);
  return await inflate(bytes, inner, {
    wantedBytes: (start) => (isSpz(start) ? spzWanted(start, inner) : undefined),
    checkStart: (start) => checkPlyStart(start, inner),
  });
}

/** Out of gzip or zstd, whatever it is. @throws AssetError for what is empty or too large as well */
export async function unpackAny(bytes: Uint8Array, limits: AssetLimits): Promise<Uint8Array> {
  checkSize(bytes, limits);
  if (compressionOf(bytes) === undefined) {
    return bytes;
  }
  const inner = limitsBeside(bytes.length, limits);
  const content = await inflate(bytes, inner, {
    wantedBytes: (start) =>
      isSpz(start) && !isSpzContainer(start) ? spzWanted(start, inner) : undefined,
    checkStart: (start) => checkPlyStart(start, inner),
  });
  if (content.length === 0) {
    throw new AssetError("empty", "the asset unpacks to no bytes");
  }
  return content;
}
