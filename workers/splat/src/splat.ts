import type { LintCode } from "./lint/codes.ts";

/** A decoded asset: N Gaussian splats as they are stored, before any activation. */
export interface Splat {
  /** N */
  readonly count: number;
  /** Highest band of spherical harmonics, 0 to 3. */
  readonly shDegree: ShDegree;
  /** N × (x, y, z) */
  readonly positions: Float32Array;
  /** N × 3; natural logarithm of the standard deviations. */
  readonly scales: Float32Array;
  /** N × (w, x, y, z), not necessarily of length 1. */
  readonly rotations: Float32Array;
  /** N logits; ±Infinity is valid and means 1 and 0. */
  readonly opacities: Float32Array;
  /** N × (r, g, b), `f_dc`: colour at band 0 = 0.5 + 0.28209479177387814 × f_dc. */
  readonly shDc: Float32Array;
  /** N × K × (r, g, b), the coefficients of bands 1 to degree one after the other; K is 0, 3, 8 or 15. */
  readonly shRest: Float32Array;
}

export type ShDegree = 0 | 1 | 2 | 3;

/** Number of SH coefficients a channel above band 0. Source: (degree + 1)² − 1. */
export function shRestCount(degree: ShDegree): number {
  return (degree + 1) ** 2 - 1;
}

/** Y₀₀ = ½·√(1/π) */
export const shC0 = 0.28209479177387814;

/** The asset's bytes are not something that can be rendered; the miner's fault, with what was wrong and what to do. */
export class AssetError extends Error {
  override name = "AssetError";
  readonly code: AssetErrorCode;
  constructor(code: AssetErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Stable, machine-readable reasons; they travel in `InvalidAsset.code`. */
export type AssetErrorCode =
  | "unknown-format"
  | "unsupported-version"
  | "malformed"
  | "truncated"
  | "empty"
  | "too-many-splats"
  | "too-large"
  | "too-much-memory"
  | "non-finite"
  | "zero-quaternion"
  | "all-transparent"
  | "extent"
  /** What lint found, where the profile rejects by it. */
  | `lint-${LintCode}`;

/** Limits that are checked before work is done. Sizes in bytes. */
export interface AssetLimits {
  readonly maxSplats: number;
  readonly maxDecompressedBytes: number;
  /** What reading and drawing it may take in all, by its header: `checkMemory`. */
  readonly maxMemoryBytes: number;
  /** Largest absolute coordinate. */
  readonly maxExtent: number;
}

/** The subnet's own limits; configuration may change them. */
export const defaultAssetLimits: AssetLimits = {
  maxSplats: 1_000_000,
  maxDecompressedBytes: 256 * 1024 * 1024,
  maxMemoryBytes: 1536 * 1024 * 1024,
  maxExtent: 1_000_000,
};
