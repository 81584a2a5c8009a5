/** What is in an asset, for people. */
import { opacityOf } from "./activation.ts";
import type { AnySplat } from "./read-any.ts";

export interface AssetInfo {
  /** `spz 2 in zstd`, `ply` … */
  readonly format: string;
  /** What was left out or taken for granted when it was read. */
  readonly notes: readonly string[];
  readonly sizeBytes: number;
  readonly count: number;
  readonly shDegree: number;
  /** The box around all positions, [x, y, z] in units. */
  readonly bounds: { readonly min: readonly number[]; readonly max: readonly number[] };
  /** Splats whose opacity is exactly 1 and exactly 0. */
  readonly certain: { readonly opaque: number; readonly transparent: number };
  readonly histograms: readonly Histogram[];
}

/** Counts of `counts.length` equal steps from `from` to `to`; what lies outside counts to the nearest. */
export interface Histogram {
  readonly name: string;
  readonly unit: string;
  readonly from: number;
  readonly to: number;
  readonly counts: readonly number[];
}

const steps = 16;

/** @param sizeBytes of the file */
export function assetInfoOf(sizeBytes: number, { splat, format, notes }: AnySplat): AssetInfo {
  const { count, shDegree, positions, opacities } = splat;
  let opaque = 0;
  let transparent = 0;
  for (const value of opacities) {
    if (value === Infinity) {
      opaque++;
    } else if (value === -Infinity) {
      transparent++;
    }
  }
  const axes = [0, 1, 2].map((axis) => rangeOf(positions, axis, 3));
  const opacity = opacities.map(opacityOf);
  const exponents = splat.scales.map((value) => value / Math.LN10);
  return {
    format,
    notes,
    sizeBytes,
    count,
    shDegree,
    bounds: { min: axes.map(([low]) => low), max: axes.map(([, high]) => high) },
    certain: { opaque, transparent },
    histograms: [
      histogram("opacity", "0 to 1", opacity, [0, 1]),
      histogram("deviation", "power of ten, units", exponents, rangeOf(exponents, 0, 1)),
      histogram("f_dc", "coefficient", splat.shDc, rangeOf(splat.shDc, 0, 1)),
    ],
  };
}

function rangeOf(values: Float32Array, start: number, step: number): readonly [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let i = start; i < values.length; i += step) {
    low = Math.min(low, values[i] ?? 0);
    high = Math.max(high, values[i] ?? 0);
  }
  return [low, high];
}

function histogram(
  name: string,
  unit: string,
  values: Float32Array,
  [from, to]: readonly [number, number],
): Histogram {
  const counts = new Array<number>(steps).fill(0);
  const width = to > from ? (to - from) / steps : 1;
  for (const value of values) {
    const step = Math.min(steps - 1, Math.max(0, Math.floor((value - from) / width)));
    counts[step] = (counts[step] ?? 0) + 1;
  }
  return { name, unit, from, to, counts };
}
