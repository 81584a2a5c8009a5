/** From where on something is a finding. Shares are of all splats, or of the visible ones where it says so. */
export interface LintLimits {
  readonly minSplats: number;
  readonly maxSplats: number;
  /** Share of splats whose opacity is below 1/255, which no renderer draws. */
  readonly maxInvisibleShare: number;
  /** Mean opacity of the visible splats, 0 to 1. */
  readonly minMeanOpacity: number;
  /** Share of splats that are equal to an earlier one in every value. */
  readonly maxDuplicateShare: number;
  /** Largest side of the box around the middle 98 % of the visible splats, in units. */
  readonly minExtent: number;
  readonly maxExtent: number;
  /** Share of the visible splats whose middle deviation is over half of that extent: larger than the object. */
  readonly maxOversizedShare: number;
  /** Distance from the origin, in units, that `maxOutsideShare` of the visible splats may exceed: the cameras' orbit. */
  readonly maxRadius: number;
  readonly maxOutsideShare: number;
  /** Smallest extent by largest extent, along the asset's own axes. */
  readonly minFlatness: number;
  /** Share of the outline, from the worst side, behind which nothing lies. */
  readonly maxOneSidedShare: number;
  /** Share of the visible splats that belong to no piece of any size. */
  readonly maxFloaterShare: number;
  /** Share of the visible splats that are `needleRatio` times as long as wide. */
  readonly maxNeedleShare: number;
}

/**
 * `minFlatness` and `maxInvisibleShare` are the subnet's; `maxRadius` is the nearest orbit of any profile; the others
 * leave room beside what was measured on honest assets (README).
 */
export const defaultLintLimits: LintLimits = {
  minSplats: 500,
  maxSplats: 1_000_000,
  maxInvisibleShare: 0.5,
  minMeanOpacity: 0.05,
  maxDuplicateShare: 0.1,
  minExtent: 0.1,
  maxExtent: 5,
  maxOversizedShare: 0.1,
  maxRadius: 2.5,
  maxOutsideShare: 0.02,
  minFlatness: 0.02,
  maxOneSidedShare: 0.8,
  maxFloaterShare: 0.05,
  maxNeedleShare: 0.25,
};

/** Longest deviation by the middle one. */
export const needleRatio = 30;
