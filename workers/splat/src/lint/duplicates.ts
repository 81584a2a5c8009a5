import type { Splat } from "../splat.ts";

/** Number of splats that are equal to an earlier one in every value. */
export function countDuplicates(splat: Splat): number {
  const { count } = splat;
  const columns = [
    splat.positions,
    splat.scales,
    splat.rotations,
    splat.opacities,
    splat.shDc,
    splat.shRest,
  ].map((values) => ({
    bits: new Int32Array(values.buffer, values.byteOffset, values.length),
    width: values.length / count,
  }));
  const hashes = hashesOf(columns, count);
  const size = 2 ** Math.ceil(Math.log2(count * 2 + 1));
  /** The index of a splat and 1; 0 where there is none. */
  const slots = new Uint32Array(size);
  let duplicates = 0;
  for (let i = 0; i < count; i++) {
    const hash = hashes[i] ?? 0;
    let slot = hash & (size - 1);
    for (;;) {
      const other = (slots[slot] ?? 0) - 1;
      if (other < 0) {
        slots[slot] = i + 1;
        break;
      }
      if (hashes[other] === hash && areEqual(columns, i, other)) {
        duplicates++;
        break;
      }
      slot = (slot + 1) & (size - 1);
    }
  }
  return duplicates;
}

interface Column {
  readonly bits: Int32Array;
  /** Values of one splat. */
  readonly width: number;
}

/**
 * Of every value of a splat, since many may lie in one place: the sum of all, each times an odd number of its own, then
 * mixed. A loop for each value takes a sixth of the time that a loop for each splat does.
 */
function hashesOf(columns: readonly Column[], count: number): Int32Array {
  const hashes = new Int32Array(count);
  let factor = 0x1e3779b1;
  for (const { bits, width } of columns) {
    for (let k = 0; k < width; k++) {
      factor = Math.imul(factor, 0x01000193);
      addColumn(hashes, bits, width, k, factor);
    }
  }
  for (let i = 0; i < count; i++) {
    let hash = hashes[i] ?? 0;
    hash = Math.imul(hash ^ (hash >>> 16), 0x05ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0x42b2ae35);
    hashes[i] = hash ^ (hash >>> 16);
  }
  return hashes;
}

function addColumn(
  hashes: Int32Array,
  bits: Int32Array,
  width: number,
  first: number,
  factor: number,
): void {
  for (let i = 0, at = first; i < hashes.length; i++, at += width) {
    hashes[i] = ((hashes[i] ?? 0) + Math.imul(bits[at] ?? 0, factor)) | 0;
  }
}

function areEqual(columns: readonly Column[], a: number, b: number): boolean {
  return columns.every(({ bits, width }) => {
    for (let k = 0; k < width; k++) {
      if (bits[a * width + k] !== bits[b * width + k]) {
        return false;
      }
    }
    return true;
  });
}
