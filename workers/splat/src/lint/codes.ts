/** What lint can find, worst first. Stable: they travel as `lint-<code>` in `InvalidAsset.code`. */
export const lintCodes = [
  "non-finite",
  "zero-quaternion",
  "count",
  "invisible",
  "opacity-mass",
  "duplicates",
  "extent",
  "oversized",
  "bounds",
  "flat",
  "one-sided",
  "floaters",
  "needles",
] as const;

export type LintCode = (typeof lintCodes)[number];
