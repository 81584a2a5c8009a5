import { checkCount, checkSplat } from "../checks.ts";
import { checkMemory, limitsBeside } from "../memory.ts";
import { compressionOf } from "../packing/frames.ts";
import { inflate } from "../packing/inflate.ts";
import {
  AssetError,
  type AssetLimits,
  defaultAssetLimits,
  type Splat,
  shRestCount,
} from "../splat.ts";
import { decodeColumns } from "./columns.ts";
import {
  isSpz,
  parseSpzHeader,
  type SpzColumn,
  type SpzHeader,
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
  const inner = limitsBeside(bytes.length, limits);
  const content = await inflate(bytes, inner, { wantedBytes: (start) => spzWanted(start, inner) });
  return readPlainSpz(content, inner);
}

/**
 * Bytes that an SPZ needs, by its header.
 * @throws AssetError when it will not be read anyway
 */
export function spzWanted(start: Uint8Array, limits: AssetLimits): number {
  const header = parseSpzHeader(start);
  checkHeader(header, limits);
  return spzBytes(header);
}

function checkHeader(header: SpzHeader, limits: AssetLimits): void {
  const { count, shDegree } = header;
  checkCount(count, limits);
  const restCount = shRestCount(shDegree) * 3;
  const contentBytes = spzBytes(header);
  // The parts in which it is unpacked, until they are one.
  checkMemory({ count, restCount, contentBytes, scratchBytes: contentBytes }, limits);
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
  checkHeader(header, limits);
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
