/** How a scene and a camera lie in the kernel's memory; the other side is rasteriser.as. */
import { shC0 } from "@turntable/splat";
import type { Camera } from "../../camera.ts";
import type { Scene } from "../../scene.ts";

/** Columns before the colours: three of position, six of covariance, one of opacity. */
const columns = 10;
/** Below this opacity nothing is drawn. */
const leastOpacity = Math.fround(1 / 255);
/** Brighter than that is as good as infinite. */
const mostColour = 1e9;
export const cameraBytes = 128;

export function aligned(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

export function sceneBytes({ count, shDegree }: Scene): number {
  return columns * aligned(count * 4) + count * coefficients(shDegree) * 16;
}

function coefficients(shDegree: number): number {
  return (shDegree + 1) ** 2;
}

/** Writes the splats that can be seen at all, in their order, and returns their number. */
export function writeScene(buffer: SharedArrayBuffer, at: number, scene: Scene): number {
  const { positions, covariances, opacities } = scene;
  const seen = indicesOfSeen(opacities);
  const count = seen.length;
  const column = (index: number): Float32Array =>
    new Float32Array(buffer, at + index * aligned(count * 4), count);
  const gather = (index: number, source: Float32Array, width: number, offset: number): void => {
    const target = column(index);
    for (let n = 0; n < count; n++) target[n] = source[(seen[n] ?? 0) * width + offset] ?? 0;
  };
  for (let axis = 0; axis < 3; axis++) gather(axis, positions, 3, axis);
  for (let term = 0; term < 6; term++) gather(3 + term, covariances, 6, term);
  const logs = column(9);
  for (let n = 0; n < count; n++) logs[n] = Math.log2(opacities[seen[n] ?? 0] ?? 0);
  writeColours(new Float32Array(buffer, at + columns * aligned(count * 4)), scene, seen);
  return count;
}

function indicesOfSeen(opacities: Float32Array): Uint32Array {
  const indices = new Uint32Array(opacities.length);
  let count = 0;
  for (let i = 0; i < opacities.length; i++) {
    if ((opacities[i] ?? 0) >= leastOpacity) indices[count++] = i;
  }
  return indices.subarray(0, count);
}

function writeColours(target: Float32Array, scene: Scene, seen: Uint32Array): void {
  const { sh, shDegree } = scene;
  const least = scene.isUnclamped ? -mostColour : 0;
  const perSplat = coefficients(shDegree);
  for (let n = 0; n < seen.length; n++) {
    for (let k = 0; k < perSplat; k++) {
      const from = ((seen[n] ?? 0) * perSplat + k) * 3;
      const to = (n * perSplat + k) * 4;
      for (let channel = 0; channel < 3; channel++) {
        const value = sh[from + channel] ?? 0;
        // Without bands above 0 the colour is the same from everywhere.
        target[to + channel] = shDegree === 0 ? colourOf(value, least) : value;
      }
    }
  }
}

function colourOf(dc: number, least: number): number {
  return Math.min(mostColour, Math.max(least, 0.5 + shC0 * dc));
}

export function writeCamera(buffer: SharedArrayBuffer, at: number, camera: Camera): void {
  const { rotation, eye, focal, centre, tanHalfFov } = camera;
  new Float64Array(buffer, at, cameraBytes / 8).set([
    ...rotation,
    ...eye,
    focal,
    centre,
    tanHalfFov,
  ]);
}
