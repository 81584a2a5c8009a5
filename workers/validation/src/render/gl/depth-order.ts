/** The order in which splats are blended: by depth, farthest first; of equal depth the last of the scene first. */
import type { Camera } from "../camera.ts";
import { leastAlpha, nearPlane } from "../constants.ts";
import type { Scene } from "../scene.ts";

/** Bits a pass of the radix sort looks at; two passes sort float32. */
const radixBits = 16;
const buckets = 1 << radixBits;

/** Writes the indices of all splats that the camera may see into `order`, as floats. @returns how many */
export function writeDepthOrder(
  order: Float32Array,
  { count, positions, opacities }: Pick<Scene, "count" | "positions" | "opacities">,
  { rotation, eye }: Camera,
): number {
  const [, , , , , , fx, fy, fz] = rotation;
  const depths = new Float32Array(count);
  const indices = new Uint32Array(count);
  let visible = 0;
  for (let i = 0; i < count; i++) {
    const x = (positions[i * 3] ?? 0) - eye[0];
    const y = (positions[i * 3 + 1] ?? 0) - eye[1];
    const z = (positions[i * 3 + 2] ?? 0) - eye[2];
    const depth = fx * x + fy * y + fz * z;
    if (!(depth > nearPlane) || !((opacities[i] ?? 0) >= leastAlpha)) {
      continue;
    }
    depths[visible] = depth;
    indices[visible] = i;
    visible += 1;
  }
  // The bits of positive floats, read as whole numbers, have the order of the floats.
  const keys = new Uint32Array(depths.buffer);
  const byLow = sortPass(
    Uint32Array.from({ length: visible }, (_, i) => i),
    keys,
    0,
  );
  const sorted = sortPass(byLow, keys, radixBits);
  for (let rank = 0; rank < visible; rank++) {
    order[visible - 1 - rank] = indices[sorted[rank] ?? 0] ?? 0;
  }
  return visible;
}

/** One stable pass: `ranks` by the 16 bits of their keys from `shift` on. */
function sortPass(ranks: Uint32Array, keys: Uint32Array, shift: number): Uint32Array {
  const starts = new Uint32Array(buckets + 1);
  const digit = (rank: number): number => ((keys[rank] ?? 0) >>> shift) & (buckets - 1);
  for (const rank of ranks) {
    const next = digit(rank) + 1;
    starts[next] = (starts[next] ?? 0) + 1;
  }
  for (let i = 1; i <= buckets; i++) {
    starts[i] = (starts[i] ?? 0) + (starts[i - 1] ?? 0);
  }
  const sorted = new Uint32Array(ranks.length);
  for (const rank of ranks) {
    const place = starts[digit(rank)] ?? 0;
    starts[digit(rank)] = place + 1;
    sorted[place] = rank;
  }
  return sorted;
}
