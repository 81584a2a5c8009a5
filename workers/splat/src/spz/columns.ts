/**
 * The columns of an SPZ as a splat. Most values have 256 steps: what each means is worked out once and looked up.
 */
import { logitOfByte } from "../activation.ts";
import { decodeHalf } from "../half.ts";
import type { Splat } from "../splat.ts";
import { colourScale, type SpzColumn, type SpzHeader } from "./format.ts";

/** Not yet checked. `columns` have at least the lengths that the header asks for. */
export function decodeColumns(
  header: SpzHeader,
  columns: Readonly<Record<SpzColumn, Uint8Array>>,
): Splat {
  return {
    count: header.count,
    shDegree: header.shDegree,
    positions: decodePositions(columns.position, header),
    scales: lookUp(columns.scale, scaleOf),
    rotations: decodeRotations(columns.rotation, header),
    opacities: lookUp(columns.alpha, logits),
    shDc: lookUp(columns.colour, dcOf),
    shRest: lookUp(columns.sh, restOf),
  };
}

/** 0 and 255 are exactly 0 and 1, so −∞ and +∞ as logits. */
const logits = stepsOf(logitOfByte);
/** Step by step in single precision, as the real libraries do: the last bit is the same. */
const dcOf = stepsOf(
  (byte) => Math.fround(Math.fround(byte / 255) - 0.5) / Math.fround(colourScale),
);
const scaleOf = stepsOf((byte) => byte / 16 - 10);
const restOf = stepsOf((byte) => (byte - 128) / 128);
/** In double precision: w is worked out of them. */
const partOf = Float64Array.from({ length: 256 }, (_, byte) => byte / 127.5 - 1);

function stepsOf(meaning: (byte: number) => number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, byte) => meaning(byte));
}

function lookUp(column: Uint8Array, steps: Float32Array): Float32Array {
  const values = new Float32Array(column.length);
  for (let i = 0; i < column.length; i++) {
    values[i] = steps[column[i] ?? 0] ?? 0;
  }
  return values;
}

function decodePositions(column: Uint8Array, header: SpzHeader): Float32Array {
  const positions = new Float32Array(header.count * 3);
  if (header.version === 1) {
    for (let i = 0; i < positions.length; i++) {
      positions[i] = decodeHalf((column[i * 2] ?? 0) | ((column[i * 2 + 1] ?? 0) << 8));
    }
    return positions;
  }
  const unit = 2 ** -header.fractionBits;
  for (let i = 0; i < positions.length; i++) {
    const at = i * 3;
    const high = (column[at + 2] ?? 0) << 24; // The top byte carries the sign.
    positions[i] = (((column[at] ?? 0) | ((column[at + 1] ?? 0) << 8)) + (high >> 8)) * unit;
  }
  return positions;
}

function decodeRotations(column: Uint8Array, { version, count }: SpzHeader): Float32Array {
  const rotations = new Float32Array(count * 4);
  if (version >= 3) {
    for (let i = 0; i < count * 4; i += 4) {
      const low = (column[i] ?? 0) | ((column[i + 1] ?? 0) << 8);
      const high = (column[i + 2] ?? 0) | ((column[i + 3] ?? 0) << 8);
      unpackSmallestThree(low | (high << 16), rotations, i);
    }
    return rotations;
  }
  for (let i = 0; i < count; i++) {
    const x = partOf[column[i * 3] ?? 0] ?? 0;
    const y = partOf[column[i * 3 + 1] ?? 0] ?? 0;
    const z = partOf[column[i * 3 + 2] ?? 0] ?? 0;
    rotations[i * 4] = Math.sqrt(Math.max(0, 1 - x * x - y * y - z * z));
    rotations[i * 4 + 1] = x;
    rotations[i * 4 + 2] = y;
    rotations[i * 4 + 3] = z;
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
    if (component === largest) {
      continue;
    }
    const magnitude = ((bits & magnitudeMask) / magnitudeMask) * Math.SQRT1_2;
    const value = ((bits >>> 9) & 1) === 1 ? -magnitude : magnitude;
    target[at + ((component + 1) & 3)] = value;
    squares += value * value;
    bits >>>= 10;
  }
  target[at + ((largest + 1) & 3)] = Math.sqrt(Math.max(0, 1 - squares));
}
