import { leastLogit } from "../checks.ts";
import type { Splat } from "../splat.ts";

/** The splats that a renderer can draw, as plain columns in world coordinates. */
export interface Visible {
  readonly count: number;
  /** Index in the splat. */
  readonly indices: Uint32Array;
  /** count × (x, y, z) */
  readonly positions: Float32Array;
  /** 0 to 1 */
  readonly opacities: Float32Array;
}

/** Splats with a value that is no number are not among them. */
export function visibleOf(splat: Splat): Visible {
  // Assets have hundreds of thousands of splats: no list, closure or view is made for one of them.
  const kept = new Uint32Array(splat.count);
  let count = 0;
  for (let i = 0; i < splat.count; i++) {
    if ((splat.opacities[i] ?? Number.NaN) >= leastLogit && isPlaced(splat, i)) {
      kept[count++] = i;
    }
  }
  const indices = kept.slice(0, count);
  const opacities = new Float32Array(count);
  for (let to = 0; to < count; to++) {
    opacities[to] = 1 / (1 + Math.exp(-(splat.opacities[indices[to] ?? 0] ?? 0)));
  }
  return { count, indices, positions: places(splat.positions, indices), opacities };
}

/** Every `step`th of them. */
export function everyNth(visible: Visible, step: number): Visible {
  if (step <= 1) {
    return visible;
  }
  const count = Math.ceil(visible.count / step);
  const chosen = new Uint32Array(count);
  const indices = new Uint32Array(count);
  const opacities = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    chosen[i] = i * step;
    indices[i] = visible.indices[i * step] ?? 0;
    opacities[i] = visible.opacities[i * step] ?? 0;
  }
  return { count, indices, positions: places(visible.positions, chosen), opacities };
}

/** (x, y, z) of those with these indices. */
function places(positions: Float32Array, indices: Uint32Array): Float32Array {
  const found = new Float32Array(indices.length * 3);
  for (let to = 0; to < indices.length; to++) {
    const from = (indices[to] ?? 0) * 3;
    found[to * 3] = positions[from] ?? 0;
    found[to * 3 + 1] = positions[from + 1] ?? 0;
    found[to * 3 + 2] = positions[from + 2] ?? 0;
  }
  return found;
}

function isPlaced({ positions, scales, rotations }: Splat, i: number): boolean {
  let sum = 0;
  for (let axis = 0; axis < 3; axis++) {
    sum += (positions[i * 3 + axis] ?? 0) + (scales[i * 3 + axis] ?? 0);
  }
  for (let part = 0; part < 4; part++) {
    sum += rotations[i * 4 + part] ?? 0;
  }
  return Number.isFinite(sum);
}

/** The value below which `share` of the opacity lies. */
export function weightedQuantile(
  values: Float32Array,
  weights: Float32Array,
  shares: readonly number[],
): readonly number[] {
  const order = Uint32Array.from(values, (_, index) => index).toSorted(
    (a, b) => (values[a] ?? 0) - (values[b] ?? 0),
  );
  let total = 0;
  for (const weight of weights) {
    total += weight;
  }
  const found: number[] = [];
  let passed = 0;
  for (const index of order) {
    passed += weights[index] ?? 0;
    while (found.length < shares.length && passed >= total * (shares[found.length] ?? 1)) {
      found.push(values[index] ?? 0);
    }
  }
  const last = values[order.at(-1) ?? 0] ?? 0;
  while (found.length < shares.length) {
    found.push(last);
  }
  return found;
}
