/** A stable sort of indices by depth. The bits of positive floats, read as integers, are in the same order. */

const digitBits = 11;
const buckets = 1 << digitBits;
const mask = buckets - 1;
/** Positive float32 have 31 bits that matter. */
const passes = 3;

let scratch: Uint32Array = new Uint32Array(0);
const counts = new Uint32Array(passes * buckets);

/** Writes the indices 0 to count − 1, nearest first, to `order`; equal depths keep their order. */
export function sortByDepth(depths: Float32Array, count: number, order: Uint32Array): void {
  if (scratch.length < count) scratch = new Uint32Array(order.length);
  const keys = new Uint32Array(depths.buffer, depths.byteOffset, count);
  counts.fill(0);
  for (let i = 0; i < count; i++) {
    const key = keys[i] ?? 0;
    for (let pass = 0; pass < passes; pass++) {
      const bucket = pass * buckets + ((key >>> (pass * digitBits)) & mask);
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
  }
  let from = scratch;
  let to = order;
  for (let i = 0; i < count; i++) from[i] = i;
  for (let pass = 0; pass < passes; pass++) {
    let sum = 0;
    for (let bucket = pass * buckets; bucket < (pass + 1) * buckets; bucket++) {
      const size = counts[bucket] ?? 0;
      counts[bucket] = sum;
      sum += size;
    }
    const shift = pass * digitBits;
    for (let k = 0; k < count; k++) {
      const i = from[k] ?? 0;
      const bucket = pass * buckets + (((keys[i] ?? 0) >>> shift) & mask);
      const at = counts[bucket] ?? 0;
      to[at] = i;
      counts[bucket] = at + 1;
    }
    [from, to] = [to, from];
  }
}
