import { checkCount, checkSplat } from "../checks.ts";
import { compressionOf } from "../packing/frames.ts";
import { inflate } from "../packing/inflate.ts";
import { AssetError, type AssetLimits, defaultAssetLimits, type Splat } from "../splat.ts";
import { decodeColumns } from "./columns.ts";
import {
  isSpz,
  parseSpzHeader,
  type SpzColumn,
  spzBytes,
  spzColumnNames,
  spzColumns,
  spzHeaderBytes,
} from "./format.ts";

/** Versions 1 to 3. @throws AssetError */
export async function readSpz(
  bytes: Uint8Array,
  limits: AssetLimits = defaultAssetLimits,
): Promise<Splat> {
  if (compressionOf(bytes) === undefined) {
    return readPlainSpz(bytes, limits);
  }
  const content = await inflate(bytes, limits, (start) => spzWanted(start, limits));
  return readPlainSpz(content, limits);
}

/**
 * Bytes that an SPZ needs, by its header.
 * @throws AssetError when it will not be read anyway
 */
export function spzWanted(start: Uint8Array, limits: AssetLimits): number {
  const header = parseSpzHeader(start);
  checkCount(header.count, limits);
  return spzBytes(header);
}

/** Once it is unpacked. Bytes after the last column are ignored. @throws AssetError */
export function readPlainSpz(bytes: Uint8Array, limits: AssetLimits): Splat {
  return checkSplat(decodePlainSpz(bytes, limits), limits);
}

/** Not yet checked. @throws AssetError */
export function decodePlainSpz(bytes: Uint8Array, limits: AssetLimits): Splat {
  if (!isSpz(bytes)) {
    throw new AssetError("unknown-format", "these bytes are no SPZ");
  }
  const header = parseSpzHeader(bytes);
  const { count } = header;
  checkCount(count, limits);
  const needed = spzBytes(header);
  if (bytes.length < needed) {
    throw new AssetError(
      "truncated",
      `the SPZ declares ${count} splats in ${needed} bytes; ${bytes.length} are there`,
    );
  }
  const widths = spzColumns(header);
  let at = spzHeaderBytes;
  const take = (name: SpzColumn): Uint8Array => {
    at += count * widths[name];
    return bytes.subarray(at - count * widths[name], at);
  };
  return decodeColumns(header, columnsBy(take));
}

/** One after the other, in their order in the file. */
export function columnsBy(take: (name: SpzColumn) => Uint8Array): Record<SpzColumn, Uint8Array> {
  const [position, alpha, colour, scale, rotation, sh] = spzColumnNames;
  return {
    position: take(position),
    alpha: take(alpha),
    colour: take(colour),
    scale: take(scale),
    rotation: take(rotation),
    sh: take(sh),
  };
}
