import { AssetError, type Splat } from "../splat.ts";
import { type Extents, extentsOf } from "./axes.ts";
import type { LintCode } from "./codes.ts";
import { countDuplicates } from "./duplicates.ts";
import { floaterShare } from "./floaters.ts";
import { defaultLintLimits, type LintLimits, needleRatio } from "./limits.ts";
import { oneSidedShare } from "./one-sided.ts";
import { type Visible, visibleOf } from "./visible.ts";

/** Something about an asset that is outside the limits. */
export interface Finding {
  readonly code: LintCode;
  /** An `error` makes the asset invalid where the profile rejects; a `warning` never does. */
  readonly severity: "error" | "warning";
  /** What was measured, in the unit of the limit. */
  readonly value: number;
  readonly limit: number;
  /** One sentence for the miner. */
  readonly message: string;
}

/** What lint measures, found or not. Shares 0 to 1, lengths in units. */
export interface Measures {
  readonly count: number;
  readonly nonFinite: number;
  readonly zeroQuaternions: number;
  readonly invisibleShare: number;
  readonly meanOpacity: number;
  readonly duplicateShare: number;
  readonly extents: Extents;
  readonly oversizedShare: number;
  readonly outsideShare: number;
  /** Smallest by largest principal extent. */
  readonly flatness: number;
  readonly oneSidedShare: number;
  readonly floaterShare: number;
  readonly needleShare: number;
}

/** Limits that are not given are the default ones. Findings come worst first. */
export function lint(splat: Splat, limits: Partial<LintLimits> = {}): readonly Finding[] {
  const all = { ...defaultLintLimits, ...limits };
  return findingsOf(measure(splat, all.maxRadius), all);
}

/** @throws AssetError `lint-<code>` of the worst finding that is an error */
export function rejectByLint(findings: readonly Finding[]): void {
  const worst = findings.find(({ severity }) => severity === "error");
  if (worst !== undefined) {
    throw new AssetError(`lint-${worst.code}`, worst.message);
  }
}

/** @param radius distance from the origin beyond which a splat is outside */
export function measure(splat: Splat, radius = defaultLintLimits.maxRadius): Measures {
  const { count } = splat;
  const visible = visibleOf(splat);
  const nothing = visible.count === 0;
  const extents: Extents = nothing
    ? { box: [0, 0, 0], centre: [0, 0, 0], principal: [0, 0, 0] }
    : extentsOf(visible);
  const [largest, , smallest] = extents.principal;
  return {
    count,
    nonFinite: countNonFinite(splat),
    zeroQuaternions: countZeroQuaternions(splat),
    invisibleShare: 1 - visible.count / count,
    meanOpacity: mean(visible.opacities),
    duplicateShare: countDuplicates(splat) / count,
    extents,
    oversizedShare: shareOf(visible, (i) =>
      isOversized(splat, visible.indices[i] ?? 0, Math.max(...extents.box)),
    ),
    outsideShare: shareOf(visible, (i) => distance(visible, i) > radius),
    flatness: largest > 0 ? smallest / largest : 0,
    oneSidedShare: nothing ? 0 : oneSidedShare(splat, visible, extents),
    floaterShare: nothing ? 0 : floaterShare(visible),
    needleShare: shareOf(visible, (i) => isNeedle(splat, visible.indices[i] ?? 0)),
  };
}

function findingsOf(measures: Measures, limits: LintLimits): readonly Finding[] {
  const { count, extents } = measures;
  const extent = Math.max(...extents.box);
  const rules: readonly (readonly [LintCode, number, "<" | ">", number, string])[] = [
    ["non-finite", measures.nonFinite, ">", 0, "values are NaN or infinite"],
    ["zero-quaternion", measures.zeroQuaternions, ">", 0, "rotations have length 0"],
    ["count", count, "<", limits.minSplats, "splats are too few"],
    ["count", count, ">", limits.maxSplats, "splats are too many"],
    [
      "invisible",
      measures.invisibleShare,
      ">",
      limits.maxInvisibleShare,
      "of the splats have an opacity below 1/255; leave them out",
    ],
    [
      "opacity-mass",
      measures.meanOpacity,
      "<",
      limits.minMeanOpacity,
      "is the mean opacity of the visible splats",
    ],
    [
      "duplicates",
      measures.duplicateShare,
      ">",
      limits.maxDuplicateShare,
      "of the splats repeat an earlier one; leave them out",
    ],
    ["extent", extent, "<", limits.minExtent, "units is the largest extent: too small to be seen"],
    [
      "extent",
      extent,
      ">",
      limits.maxExtent,
      "units is the largest extent: too large for the cameras",
    ],
    [
      "oversized",
      measures.oversizedShare,
      ">",
      limits.maxOversizedShare,
      "of the visible splats are larger than the object; deviations stored without their logarithm look like this (`turntable-worker convert --activated`)",
    ],
    [
      "bounds",
      measures.outsideShare,
      ">",
      limits.maxOutsideShare,
      `of the visible splats lie farther than ${limits.maxRadius} from the origin, where the cameras are`,
    ],
    [
      "flat",
      measures.flatness,
      "<",
      limits.minFlatness,
      "is the smallest extent by the largest: a card, not an object",
    ],
    [
      "one-sided",
      measures.oneSidedShare,
      ">",
      limits.maxOneSidedShare,
      "of the outline, seen from one side, has nothing behind it",
    ],
    [
      "floaters",
      measures.floaterShare,
      ">",
      limits.maxFloaterShare,
      "of the visible splats hang in the air",
    ],
    [
      "needles",
      measures.needleShare,
      ">",
      limits.maxNeedleShare,
      `of the visible splats are over ${needleRatio} times as long as wide`,
    ],
  ];
  return rules
    .filter(([, value, sign, limit]) => (sign === "<" ? value < limit : value > limit))
    .map(([code, value, sign, limit, what]) => ({
      code,
      // Honest generators leave some of these behind.
      severity: code === "floaters" || code === "needles" ? "warning" : "error",
      value,
      limit,
      message: `${Number(value.toPrecision(3))} ${what} (${sign === "<" ? "at least" : "at most"} ${limit})`,
    }));
}

function countNonFinite(splat: Splat): number {
  let found = 0;
  for (const values of [splat.positions, splat.scales, splat.rotations, splat.shDc, splat.shRest]) {
    for (let i = 0; i < values.length; i++) {
      if (!Number.isFinite(values[i])) {
        found++;
      }
    }
  }
  for (const value of splat.opacities) {
    if (Number.isNaN(value)) {
      found++;
    }
  }
  return found;
}

function countZeroQuaternions({ count, rotations }: Splat): number {
  let found = 0;
  for (let i = 0; i < count * 4; i += 4) {
    const isZero =
      rotations[i] === 0 &&
      rotations[i + 1] === 0 &&
      rotations[i + 2] === 0 &&
      rotations[i + 3] === 0;
    if (isZero) {
      found++;
    }
  }
  return found;
}

function isNeedle({ scales }: Splat, i: number): boolean {
  const [, middle, longest] = sortedScales(scales, i);
  return longest - middle > Math.log(needleRatio);
}

/** In two directions, so that one is no needle. */
function isOversized({ scales }: Splat, i: number, extent: number): boolean {
  const [, middle] = sortedScales(scales, i);
  return Math.exp(middle) > extent / 2;
}

function sortedScales(scales: Float32Array, i: number): readonly [number, number, number] {
  const [a = 0, b = 0, c = 0] = scales.subarray(i * 3, i * 3 + 3);
  const [least, longest] = [Math.min(a, b, c), Math.max(a, b, c)];
  return [least, a + b + c - longest - least, longest];
}

function distance({ positions }: Visible, i: number): number {
  const x = positions[i * 3] ?? 0;
  const y = positions[i * 3 + 1] ?? 0;
  const z = positions[i * 3 + 2] ?? 0;
  return Math.sqrt(x * x + y * y + z * z);
}

function shareOf({ count }: Visible, holds: (index: number) => boolean): number {
  let found = 0;
  for (let i = 0; i < count; i++) {
    if (holds(i)) {
      found++;
    }
  }
  return count === 0 ? 0 : found / count;
}

function mean(values: Float32Array): number {
  let sum = 0;
  for (const value of values) {
    sum += value;
  }
  return values.length === 0 ? 0 : sum / values.length;
}
