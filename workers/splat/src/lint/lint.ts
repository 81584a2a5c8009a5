import { areFinite } from "../checks.ts";
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
  const shapes = countShapes(splat, visible, Math.max(...extents.box));
  return {
    count,
    nonFinite: countNonFinite(splat),
    zeroQuaternions: countZeroQuaternions(splat),
    invisibleShare: 1 - visible.count / count,
    meanOpacity: mean(visible.opacities),
    duplicateShare: countDuplicates(splat) / count,
    extents,
    oversizedShare: shareOf(visible, shapes.oversized),
    outsideShare: shareOf(visible, countOutside(visible, radius)),
    flatness: largest > 0 ? smallest / largest : 0,
    oneSidedShare: nothing ? 0 : oneSidedShare(splat, visible, extents),
    floaterShare: nothing ? 0 : floaterShare(visible),
    needleShare: shareOf(visible, shapes.needles),
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
    // Nearly always all of them are, which one sum tells.
    if (areFinite(values)) {
      continue;
    }
    for (let i = 0; i < values.length; i++) {
      if (!Number.isFinite(values[i])) {
        found++;
      }
    }
  }
  for (let i = 0; i < splat.opacities.length; i++) {
    if (Number.isNaN(splat.opacities[i])) {
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

/** Of the visible splats: those that are needles, and those larger than the object in two directions. */
function countShapes(
  { scales }: Splat,
  { count, indices }: Visible,
  extent: number,
): { readonly needles: number; readonly oversized: number } {
  const mostRatio = Math.log(needleRatio);
  const most = Math.log(extent / 2);
  let needles = 0;
  let oversized = 0;
  for (let i = 0; i < count; i++) {
    const at = (indices[i] ?? 0) * 3;
    const a = scales[at] ?? 0;
    const b = scales[at + 1] ?? 0;
    const c = scales[at + 2] ?? 0;
    const low = a < b ? a : b;
    const high = a < b ? b : a;
    const longest = c > high ? c : high;
    const middle = c > high ? high : c > low ? c : low;
    if (longest - middle > mostRatio) {
      needles++;
    }
    if (middle > most) {
      oversized++;
    }
  }
  return { needles, oversized };
}

function countOutside({ count, positions }: Visible, radius: number): number {
  let found = 0;
  for (let i = 0; i < count; i++) {
    const x = positions[i * 3] ?? 0;
    const y = positions[i * 3 + 1] ?? 0;
    const z = positions[i * 3 + 2] ?? 0;
    if (Math.sqrt(x * x + y * y + z * z) > radius) {
      found++;
    }
  }
  return found;
}

function shareOf({ count }: Visible, found: number): number {
  return count === 0 ? 0 : found / count;
}

function mean(values: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i] ?? 0;
  }
  return values.length === 0 ? 0 : sum / values.length;
}
