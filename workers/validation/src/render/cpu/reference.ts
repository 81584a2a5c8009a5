/**
 * The rasteriser as the specification says it, in double precision and as plainly as possible: the yardstick that
 * every faster one is compared with. Each splat in turn, nearest first, is blended into all the pixels it reaches.
 */
import type { Camera } from "../camera.ts";
import { leastAlpha, leastTransmittance, mostAlpha } from "../constants.ts";
import type { RgbImage } from "../image.ts";
import type { Scene } from "../scene.ts";
import { type Projected, project, stride } from "./project.ts";

/**
 * @param background red, green, blue in 0..1, seen where light passes all splats
 * @param counts `pairs` is raised by the number of splats that each pixel took in
 */
export function renderReference(
  scene: Scene,
  camera: Camera,
  background: readonly [number, number, number],
  counts: { pairs: number } = { pairs: 0 },
): RgbImage {
  const { size } = camera;
  const projected = project(scene, camera);
  const { values } = projected;
  // Red, green, blue and transmittance of each pixel; a finished pixel has transmittance −T.
  const picture = new Float64Array(size * size * 4);
  for (let i = 3; i < picture.length; i += 4) {
    picture[i] = 1;
  }

  for (const splat of nearToFar(projected)) {
    const at = splat * stride;
    const [u = 0, v = 0, a = 0, b = 0, c = 0, opacity = 0, reachX = 0, reachY = 0, ...colour] =
      values.subarray(at, at + stride);
    const left = Math.max(0, Math.ceil(u - reachX - 0.5));
    const right = Math.min(size - 1, Math.floor(u + reachX - 0.5));
    const bottom = Math.min(size - 1, Math.floor(v + reachY - 0.5));
    for (let y = Math.max(0, Math.ceil(v - reachY - 0.5)); y <= bottom; y++) {
      const dy = y + 0.5 - v;
      for (let x = left; x <= right; x++) {
        const dx = x + 0.5 - u;
        const sigma = 0.5 * (a * dx * dx + c * dy * dy) + b * dx * dy;
        const alpha = Math.min(mostAlpha, opacity * Math.exp(-sigma));
        if (sigma < 0 || !(alpha >= leastAlpha)) {
          continue;
        }
        const pixel = (y * size + x) * 4;
        const transmittance = picture[pixel + 3] ?? 0;
        if (transmittance < 0) {
          continue;
        }
        const next = transmittance * (1 - alpha);
        if (next <= leastTransmittance) {
          picture[pixel + 3] = -transmittance;
          continue;
        }
        counts.pairs += 1;
        for (let channel = 0; channel < 3; channel++) {
          picture[pixel + channel] =
            (picture[pixel + channel] ?? 0) + alpha * transmittance * (colour[channel] ?? 0);
        }
        picture[pixel + 3] = next;
      }
    }
  }
  return { width: size, height: size, pixels: quantise(picture, background) };
}

/** Indices by depth; equal depths stay in the order of the scene. */
function nearToFar({ count, depth }: Projected): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  return order.sort((i, j) => (depth[i] ?? 0) - (depth[j] ?? 0) || i - j);
}

function quantise(picture: Float64Array, background: readonly number[]): Uint8Array {
  const pixels = new Uint8Array((picture.length / 4) * 3);
  for (let i = 0; i < picture.length / 4; i++) {
    const transmittance = Math.abs(picture[i * 4 + 3] ?? 0);
    for (let channel = 0; channel < 3; channel++) {
      const value = (picture[i * 4 + channel] ?? 0) + transmittance * (background[channel] ?? 0);
      pixels[i * 3 + channel] = Math.floor(255 * Math.min(1, Math.max(0, value)));
    }
  }
  return pixels;
}
