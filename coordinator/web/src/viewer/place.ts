/** Where in its space an asset lies, so that one from anywhere can be looked at. */
import type { Splat } from "@turntable/splat";

/** Below this logit a splat is hardly seen: an opacity of 0.1. */
const leastLogit = Math.log(0.1 / 0.9);
/** Few splats far outside must not make the rest small. */
const within = 0.98;
/** Enough to tell, and sorted in no time. */
const mostLooked = 20_000;

/** The median of each axis, and the distance from there within which nearly all visible splats lie. */
export function placeOf(splat: Splat): {
  readonly centre: readonly [number, number, number];
  readonly reach: number;
} {
  const { positions, opacities, count } = splat;
  const step = Math.max(1, Math.floor(count / mostLooked));
  const looked: number[] = [];
  for (let i = 0; i < count; i += step) {
    if ((opacities[i] ?? 0) >= leastLogit) {
      looked.push(i);
    }
  }
  const coordinate = (i: number, axis: number): number => positions[i * 3 + axis] ?? 0;
  const middle = (axis: number): number =>
    quantile(
      looked.map((i) => coordinate(i, axis)),
      0.5,
    );
  const centre = [middle(0), middle(1), middle(2)] as const;
  const distances = looked.map((i) =>
    Math.hypot(...centre.map((value, axis) => coordinate(i, axis) - value)),
  );
  return { centre, reach: quantile(distances, within) };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
}
