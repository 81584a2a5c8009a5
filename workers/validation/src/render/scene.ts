/** What is the same for all views of an asset, computed once: activations, covariances, rescaling. */
import { type Splat, shRestCount } from "@turntable/splat";
import { sharedBytes } from "./shared-bytes.ts";
import { spatialOrder } from "./spatial-order.ts";

/** N splats ready to be projected, in memory that threads share, where there is any. */
export interface Scene {
  readonly count: number;
  readonly shDegree: number;
  /** N × (x, y, z) */
  readonly positions: Float32Array;
  /** N × (xx, xy, xz, yy, yz, zz) of R·S·Sᵀ·Rᵀ */
  readonly covariances: Float32Array;
  /** N, 0 to 1 */
  readonly opacities: Float32Array;
  /** N × (1 + K) × (r, g, b): `f_dc`, then the bands above. */
  readonly sh: Float32Array;
  /** Colours below 0 stay below 0; of degree 0 only. */
  readonly isUnclamped: boolean;
  /** The indices of all splats, neighbours in space one after the other: for those to whom the order is all the same. */
  readonly order: Uint32Array;
}

export interface SceneOptions {
  /**
   * Edge of the box that the asset is scaled to around its mean coordinate; undefined leaves it as is. Scales and
   * opacities follow as in the subnet's rule of October 2025.
   */
  readonly rescaleBox?: number | undefined;
  /** `band-0-unclamped` is what the subnet did in October 2025; all bands, clamped, when absent. */
  readonly colours?: "all-bands" | "band-0-unclamped";
}

export function createScene(splat: Splat, options: SceneOptions = {}): Scene {
  const { count } = splat;
  const { factor, shift } = rescalingOf(splat, options.rescaleBox);
  const isUnclamped = options.colours === "band-0-unclamped";
  const shDegree = isUnclamped ? 0 : splat.shDegree;
  const stored = shRestCount(splat.shDegree) * 3;
  const rest = shRestCount(shDegree) * 3;
  const scene = {
    count,
    shDegree,
    isUnclamped,
    order: spatialOrder(splat.positions),
    positions: sharedFloats(count * 3),
    covariances: sharedFloats(count * 6),
    opacities: sharedFloats(count),
    sh: sharedFloats(count * (3 + rest)),
  };
  for (let i = 0; i < count * 3; i++) {
    scene.positions[i] = ((splat.positions[i] ?? 0) - shift) * factor;
  }
  for (let i = 0; i < count; i++) {
    const opacity = 1 / (1 + Math.exp(-(splat.opacities[i] ?? 0)));
    scene.opacities[i] = Math.min(1, opacity / factor);
    writeCovariance(scene.covariances, i, splat, factor);
  }
  // No view of a part is made for any of hundreds of thousands of splats.
  for (let i = 0, at = 0; i < count; i++) {
    for (let k = 0; k < 3; k++) {
      scene.sh[at++] = splat.shDc[i * 3 + k] ?? 0;
    }
    for (let k = 0; k < rest; k++) {
      scene.sh[at++] = splat.shRest[i * stored + k] ?? 0;
    }
  }
  return scene;
}

/** From position to (position − shift) · factor; into a box of the edge `box`, or as it is. */
export function rescalingOf(
  splat: Splat,
  box: number | undefined,
): { readonly factor: number; readonly shift: number } {
  if (box === undefined) {
    return { factor: 1, shift: 0 };
  }
  let sum = 0;
  let extent = 0;
  for (let axis = 0; axis < 3; axis++) {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (let i = axis; i < splat.positions.length; i += 3) {
      const value = splat.positions[i] ?? 0;
      sum += value;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    extent = Math.max(extent, high - low);
  }
  // One splat, or all in one place, have no extent to scale.
  return { factor: extent > 0 ? box / extent : 1, shift: sum / splat.positions.length };
}

function writeCovariance(target: Float32Array, i: number, splat: Splat, factor: number): void {
  const { rotations, scales } = splat;
  let w = rotations[i * 4] ?? 1;
  let x = rotations[i * 4 + 1] ?? 0;
  let y = rotations[i * 4 + 2] ?? 0;
  let z = rotations[i * 4 + 3] ?? 0;
  // Squares of single precision are far inside of double: hypot, which minds that, costs as much as all else here.
  const length = Math.sqrt(w * w + x * x + y * y + z * z);
  w /= length;
  x /= length;
  y /= length;
  z /= length;
  const sx = (Math.exp(scales[i * 3] ?? 0) * factor) ** 2;
  const sy = (Math.exp(scales[i * 3 + 1] ?? 0) * factor) ** 2;
  const sz = (Math.exp(scales[i * 3 + 2] ?? 0) * factor) ** 2;
  const r00 = 1 - 2 * (y * y + z * z);
  const r01 = 2 * (x * y - w * z);
  const r02 = 2 * (x * z + w * y);
  const r10 = 2 * (x * y + w * z);
  const r11 = 1 - 2 * (x * x + z * z);
  const r12 = 2 * (y * z - w * x);
  const r20 = 2 * (x * z - w * y);
  const r21 = 2 * (y * z + w * x);
  const r22 = 1 - 2 * (x * x + y * y);
  const at = i * 6;
  target[at] = r00 * r00 * sx + r01 * r01 * sy + r02 * r02 * sz;
  target[at + 1] = r00 * r10 * sx + r01 * r11 * sy + r02 * r12 * sz;
  target[at + 2] = r00 * r20 * sx + r01 * r21 * sy + r02 * r22 * sz;
  target[at + 3] = r10 * r10 * sx + r11 * r11 * sy + r12 * r12 * sz;
  target[at + 4] = r10 * r20 * sx + r11 * r21 * sy + r12 * r22 * sz;
  target[at + 5] = r20 * r20 * sx + r21 * r21 * sy + r22 * r22 * sz;
}

function sharedFloats(length: number): Float32Array {
  return new Float32Array(sharedBytes(length * 4));
}
