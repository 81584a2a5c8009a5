/** What a file of splats can do without: rows that no renderer takes, that nobody sees, or that hang far away. */
import { leastLogit } from "./checks.ts";
import { extentsOf } from "./lint/axes.ts";
import { visibleOf } from "./lint/visible.ts";
import { type AssetLimits, defaultAssetLimits, type Splat } from "./splat.ts";
import { pickSplats } from "./splats.ts";

/** In the order in which rows are judged; each counts once. */
export interface Dropped {
  /** A value is NaN, or infinite where only an opacity may be. */
  readonly nonFinite: number;
  readonly zeroQuaternion: number;
  /** Opacity below 1/255. */
  readonly invisible: number;
  readonly stray: number;
}

/**
 * Farther from the middle than this many times the largest side of the box around the middle 98 % of the opacity: three
 * times as far as that box reaches.
 */
const strayFactor = 1.5;

/** May leave nothing at all. */
export function repairSplat(
  splat: Splat,
  limits: AssetLimits = defaultAssetLimits,
): { readonly splat: Splat; readonly dropped: Dropped } {
  const dropped = { nonFinite: 0, zeroQuaternion: 0, invisible: 0, stray: 0 };
  const kept: number[] = [];
  for (let i = 0; i < splat.count; i++) {
    if (!isFiniteRow(splat, i)) {
      dropped.nonFinite++;
    } else if (isZero(splat.rotations, i * 4)) {
      dropped.zeroQuaternion++;
    } else if ((splat.opacities[i] ?? 0) < leastLogit) {
      dropped.invisible++;
    } else if (isOutside(splat.positions, i * 3, limits.maxExtent)) {
      dropped.stray++;
    } else {
      kept.push(i);
    }
  }
  const sound = pickSplats(splat, Uint32Array.from(kept));
  const near = nearMiddle(sound);
  dropped.stray += sound.count - near.length;
  return { splat: near.length === sound.count ? sound : pickSplats(sound, near), dropped };
}

function isFiniteRow(splat: Splat, i: number): boolean {
  // A number less itself is 0; infinity and NaN are not. Opacities may be infinite.
  let sum = Number.isNaN(splat.opacities[i]) ? Number.NaN : 0;
  for (const values of [splat.positions, splat.scales, splat.rotations, splat.shDc, splat.shRest]) {
    const width = values.length / splat.count;
    for (let k = i * width; k < (i + 1) * width; k++) {
      sum += (values[k] ?? 0) - (values[k] ?? 0);
    }
  }
  return sum === 0;
}

function isZero(rotations: Float32Array, at: number): boolean {
  return rotations.subarray(at, at + 4).every((part) => part === 0);
}

function isOutside(positions: Float32Array, at: number, extent: number): boolean {
  return positions.subarray(at, at + 3).some((value) => Math.abs(value) > extent);
}

function nearMiddle(splat: Splat): Uint32Array {
  const all = Uint32Array.from({ length: splat.count }, (_, index) => index);
  if (splat.count === 0) {
    return all;
  }
  const { box, centre } = extentsOf(visibleOf(splat));
  const reach = strayFactor * Math.max(...box);
  if (reach === 0) {
    return all;
  }
  return all.filter((i) => {
    const [x = 0, y = 0, z = 0] = splat.positions.subarray(i * 3, i * 3 + 3);
    return Math.hypot(x - centre[0], y - centre[1], z - centre[2]) <= reach;
  });
}
