import { checkCount, checkSplat } from "../checks.ts";
import { decodeHalf } from "../half.ts";
import { compressionOf } from "../packing/frames.ts";
import { inflate } from "../packing/inflate.ts";
import {
  AssetError,
  type AssetLimits,
  defaultAssetLimits,
  type Splat,
  shRestCount,
} from "../splat.ts";
import {
  colourScale,
  isSpz,
  parseSpzHeader,
  type SpzHeader,
  spzBytes,
  spzColumns,
  spzHeaderBytes,
} from "./format.ts";

/** @throws AssetError */
export async function readSpz(
  bytes: Uint8Array,
  limits: AssetLimits = defaultAssetLimits,
): Promise<Splat> {
  if (compressionOf(bytes) === undefined) return readPlainSpz(bytes, limits);
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
  if (!isSpz(bytes)) throw new AssetError("unknown-format", "these bytes are no SPZ");
  const header = parseSpzHeader(bytes);
  const { count, shDegree } = header;
  checkCount(count, limits);
  const needed = spzBytes(header);
  if (bytes.length < needed) {
    throw new AssetError(
      "truncated",
      `the SPZ declares ${count} splats in ${needed} bytes; ${bytes.length} are there`,
    );
  }
  let at = spzHeaderBytes;
  const take = (width: number): Uint8Array => {
    at += count * width;
    return bytes.subarray(at - count * width, at);
  };
  const columns = spzColumns(header);
  const positions = decodePositions(take(columns.position), header);
  const opacities = Float32Array.from(take(columns.alpha), logit);
  const shDc = Float32Array.from(take(columns.colour), dcOf);
  const scales = Float32Array.from(take(columns.scale), (byte) => byte / 16 - 10);
  const rotations = decodeRotations(take(columns.rotation), header);
  const shRest = Float32Array.from(take(columns.sh), (byte) => (byte - 128) / 128);
  const splat: Splat = {
    count,
    shDegree,
    positions,
    scales,
    rotations,
    opacities,
    shDc,
    shRest: shRestCount(shDegree) === 0 ? new Float32Array(0) : shRest,
  };
  return checkSplat(splat, limits);
}

/** Step by step in single precision, as the real libraries do: the last bit is the same. */
function dcOf(byte: number): number {
  return Math.fround(Math.fround(byte / 255) - 0.5) / Math.fround(colourScale);
}

/** 0 and 255 are exactly 0 and 1, so −∞ and +∞ as logits. */
function logit(byte: number): number {
  return Math.log(byte / (255 - byte));
}

function decodePositions(column: Uint8Array, header: SpzHeader): Float32Array {
  const view = new DataView(column.buffer, column.byteOffset, column.length);
  const positions = new Float32Array(header.count * 3);
  if (header.version === 1) {
    for (let i = 0; i < positions.length; i++)
      positions[i] = decodeHalf(view.getUint16(i * 2, true));
    return positions;
  }
  const unit = 2 ** -header.fractionBits;
  for (let i = 0; i < positions.length; i++) {
    const at = i * 3;
    // The top byte carries the sign.
    positions[i] = (view.getUint16(at, true) + view.getInt8(at + 2) * 65536) * unit;
  }
  return positions;
}

function decodeRotations(column: Uint8Array, { version, count }: SpzHeader): Float32Array {
  const rotations = new Float32Array(count * 4);
  const view = new DataView(column.buffer, column.byteOffset, column.length);
  for (let i = 0; i < count; i++) {
    if (version === 3) unpackSmallestThree(view.getUint32(i * 4, true), rotations, i * 4);
    else {
      const x = (column[i * 3] ?? 0) / 127.5 - 1;
      const y = (column[i * 3 + 1] ?? 0) / 127.5 - 1;
      const z = (column[i * 3 + 2] ?? 0) / 127.5 - 1;
      rotations[i * 4] = Math.sqrt(Math.max(0, 1 - x * x - y * y - z * z));
      rotations[i * 4 + 1] = x;
      rotations[i * 4 + 2] = y;
      rotations[i * 4 + 3] = z;
    }
  }
  return rotations;
}

const magnitudeMask = 0x1ff;

/**
 * The top two bits say which of x, y, z, w is the largest; the others follow in that order, each as a sign and nine
 * bits of magnitude in units of √½ / 511.
 */
function unpackSmallestThree(packed: number, target: Float32Array, at: number): void {
  const largest = packed >>> 30;
  let bits = packed;
  let squares = 0;
  // From the lowest bits up: the last component first. w is written at 0, x to z behind it.
  for (let component = 3; component >= 0; component--) {
    if (component === largest) continue;
    const magnitude = ((bits & magnitudeMask) / magnitudeMask) * Math.SQRT1_2;
    const value = ((bits >>> 9) & 1) === 1 ? -magnitude : magnitude;
    target[at + ((component + 1) & 3)] = value;
    squares += value * value;
    bits >>>= 10;
  }
  target[at + ((largest + 1) & 3)] = Math.sqrt(Math.max(0, 1 - squares));
}
