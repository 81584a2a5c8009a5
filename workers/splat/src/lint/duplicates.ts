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
    bits: new Uint32Array(values.buffer, values.byteOffset, values.length),
    width: values.length / count,
  }));
  const size = 2 ** Math.ceil(Math.log2(count * 2 + 1));
  const slots = new Int32Array(size).fill(-1);
  let duplicates = 0;
  for (let i = 0; i < count; i++) {
    let slot = hashOf(columns, i) & (size - 1);
    for (;;) {
      const other = slots[slot] ?? -1;
      if (other < 0) {
        slots[slot] = i;
        break;
      }
      if (areEqual(columns, i, other)) {
        duplicates++;
        break;
      }
      slot = (slot + 1) & (size - 1);
    }
  }
  return duplicates;
}

interface Column {
  readonly bits: Uint32Array;
  /** Values of one splat. */
  readonly width: number;
}

/** FNV-1a over words, with a last mix. */
function hashOf(columns: readonly Column[], i: number): number {
  let hash = 0x811c9dc5;
  for (const { bits, width } of columns) {
    for (let k = i * width; k < (i + 1) * width; k++) {
      hash = Math.imul(hash ^ (bits[k] ?? 0), 0x01000193);
      hash ^= hash >>> 15;
    }
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
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
