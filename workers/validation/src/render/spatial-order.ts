/**
 * Splats in the order of a Morton curve: those that lie next to each other in space do so in memory. A camera then
 * meets its tiles one after the other, where splats in any order would each go to another one.
 */
import { sharedBytes } from "./shared-bytes.ts";

/** Cells an axis is divided into, as a power of two. */
const axisBits = 7;
const cells = 1 << axisBits;
/** Of an axis's coordinates so many are looked at to find out where most of them lie. */
const samples = 512;
/** A sort by two digits of so many bits covers the keys of three axes. */
const digitBits = 11;
const digitMask = (1 << digitBits) - 1;

/**
 * The indices of splats along the curve; those of one cell stay in the order of the input, so that it depends on
 * nothing else.
 * @param positions N × (x, y, z)
 */
export function spatialOrder(positions: Float32Array): Uint32Array {
  const count = positions.length / 3;
  const keys = new Uint32Array(count);
  for (let axis = 0; axis < 3; axis++) {
    const { low, perUnit } = gridOf(positions, axis);
    for (let i = 0; i < count; i++) {
      const cell = ((positions[i * 3 + axis] ?? 0) - low) * perUnit;
      // What lies outside belongs to the cell at the edge.
      const bits = spread[cell > 0 ? Math.min(cells - 1, cell) | 0 : 0] ?? 0;
      keys[i] = (keys[i] ?? 0) | (bits << axis);
    }
  }
  const byLower = sortedByDigit(keys, undefined, 0);
  return sortedByDigit(keys, byLower, digitBits);
}

/** Where most coordinates of an axis lie: a few splats far away do not make the cells of all others one. */
function gridOf(
  positions: Float32Array,
  axis: number,
): { readonly low: number; readonly perUnit: number } {
  const count = positions.length / 3;
  const taken = Math.min(count, samples);
  const sorted = Float32Array.from(
    { length: taken },
    (_, n) => positions[Math.floor((n * count) / taken) * 3 + axis] ?? 0,
  ).sort();
  const low = sorted[Math.floor(taken * 0.02)] ?? 0;
  const high = sorted[Math.ceil(taken * 0.98) - 1] ?? 0;
  return { low, perUnit: high > low ? cells / (high - low) : 0 };
}

/** The bits of a cell's number with room for those of two other axes in between. */
const spread = Uint32Array.from({ length: cells }, (_, cell) => {
  let bits = 0;
  for (let bit = 0; bit < axisBits; bit++) {
    bits |= ((cell >> bit) & 1) << (bit * 3);
  }
  return bits;
});

/** A counting sort, stable. @param order of the input; undefined: as it is */
function sortedByDigit(
  keys: Uint32Array,
  order: Uint32Array | undefined,
  shift: number,
): Uint32Array {
  const places = new Uint32Array(digitMask + 2);
  for (let i = 0; i < keys.length; i++) {
    const next = (((keys[i] ?? 0) >>> shift) & digitMask) + 1;
    places[next] = (places[next] ?? 0) + 1;
  }
  for (let digit = 1; digit < places.length; digit++) {
    places[digit] = (places[digit] ?? 0) + (places[digit - 1] ?? 0);
  }
  const sorted = new Uint32Array(sharedBytes(keys.byteLength));
  for (let n = 0; n < keys.length; n++) {
    const i = order === undefined ? n : (order[n] ?? 0);
    const digit = ((keys[i] ?? 0) >>> shift) & digitMask;
    const place = places[digit] ?? 0;
    places[digit] = place + 1;
    sorted[place] = i;
  }
  return sorted;
}
