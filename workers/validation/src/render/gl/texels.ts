/**
 * A scene as the shader reads it: one texture of float32 texels, a run of them for each splat.
 *
 * Texel 0 is (x, y, z, opacity), 1 is (xx, xy, xz, yy) and 2 is (yz, zz, 0, 0) of the covariance, and from 3 on one
 * (r, g, b, 0) for each spherical harmonic.
 */
import type { Scene } from "../scene.ts";

/** Texels before the harmonics. */
export const headTexels = 3;
/** Wide enough for large scenes, and within what every WebGL 2 has. */
const textureWidth = 4096;
/** Keeps sums of coefficients finite; far beyond any visible colour. */
const largestCoefficient = 1e4;

export interface SceneTexels {
  readonly texels: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly perSplat: number;
  readonly perRow: number;
}

/** Splats whose covariance is not finite get opacity 0: the CPU rasteriser does not draw them either. */
export function packTexels(scene: Scene): SceneTexels {
  const coefficients = (scene.shDegree + 1) ** 2;
  const perSplat = headTexels + coefficients;
  const perRow = Math.floor(textureWidth / perSplat);
  const height = Math.max(1, Math.ceil(scene.count / perRow));
  const texels = new Float32Array(textureWidth * height * 4);
  for (let i = 0; i < scene.count; i++) {
    const at = (Math.floor(i / perRow) * textureWidth + (i % perRow) * perSplat) * 4;
    const covariance = scene.covariances.subarray(i * 6, i * 6 + 6);
    texels.set(scene.positions.subarray(i * 3, i * 3 + 3), at);
    if (covariance.every(Number.isFinite)) {
      texels[at + 3] = scene.opacities[i] ?? 0;
      texels.set(covariance, at + 4);
    }
    for (let k = 0; k < coefficients; k++) {
      for (let channel = 0; channel < 3; channel++) {
        const value = scene.sh[(i * coefficients + k) * 3 + channel] ?? 0;
        texels[at + (headTexels + k) * 4 + channel] = Math.min(
          largestCoefficient,
          Math.max(-largestCoefficient, value),
        );
      }
    }
  }
  return { texels, width: textureWidth, height, perSplat, perRow };
}
