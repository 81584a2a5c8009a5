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
  const kept: number[] = [];
  for (let i = 0; i < splat.count; i++) {
    if ((splat.opacities[i] ?? Number.NaN) >= leastLogit && isPlaced(splat, i)) kept.push(i);
  }
  const positions = new Float32Array(kept.length * 3);
  const opacities = new Float32Array(kept.length);
  for (const [to, from] of kept.entries()) {
    positions.set(splat.positions.subarray(from * 3, from * 3 + 3), to * 3);
    opacities[to] = 1 / (1 + Math.exp(-(splat.opacities[from] ?? 0)));
  }
  return { count: kept.length, indices: Uint32Array.from(kept), positions, opacities };
}

/** Every `step`th of them. */
export function everyNth(visible: Visible, step: number): Visible {
  if (step <= 1) return visible;
  const count = Math.ceil(visible.count / step);
  const positions = new Float32Array(count * 3);
  for (let i = 0; i < count; i++) {
    positions.set(visible.positions.subarray(i * step * 3, i * step * 3 + 3), i * 3);
  }
  return {
    count,
    indices: visible.indices.filter((_, i) => i % step === 0),
    positions,
    opacities: visible.opacities.filter((_, i) => i % step === 0),
  };
}

function isPlaced({ positions, scales, rotations }: Splat, i: number): boolean {
  let sum = 0;
  for (let axis = 0; axis < 3; axis++) {
    sum += (positions[i * 3 + axis] ?? 0) + (scales[i * 3 + axis] ?? 0);
  }
  for (let part = 0; part < 4; part++) sum += rotations[i * 4 + part] ?? 0;
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
  for (const weight of weights) total += weight;
  const found: number[] = [];
  let passed = 0;
  for (const index of order) {
    passed += weights[index] ?? 0;
    while (found.length < shares.length && passed >= total * (shares[found.length] ?? 1)) {
      found.push(values[index] ?? 0);
    }
  }
  const last = values[order.at(-1) ?? 0] ?? 0;
  while (found.length < shares.length) found.push(last);
  return found;
}
