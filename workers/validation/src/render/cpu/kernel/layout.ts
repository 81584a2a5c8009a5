/** How a scene and a camera lie in the kernel's memory; the other side is rasteriser.as. */
import type { Camera } from "../../camera.ts";
import { leastAlpha, mostColour, shC0 } from "../../constants.ts";
import type { Scene } from "../../scene.ts";
import { sharedBytes } from "../../shared-bytes.ts";

/** Columns before the colours: three of position, six of covariance, one of opacity, one of places in the asset. */
const columns = 11;
/** Below this opacity nothing is drawn, in the precision that scenes have. */
const leastOpacity = Math.fround(leastAlpha);
export const cameraBytes = 128;

/** A scene and the place in the shared memory where the kernel looks for it. */
export interface PlacedScene {
  readonly scene: Scene;
  readonly at: number;
  readonly shDegree: number;
  /** Splats that can be seen at all; neighbours in space lie next to each other, and so do their records then. */
  readonly seen: Uint32Array;
  readonly count: number;
}

export function aligned(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

export function sceneBytes({ count, shDegree }: Scene): number {
  return columns * aligned(count * 4) + count * coefficients(shDegree) * 16;
}

function coefficients(shDegree: number): number {
  return (shDegree + 1) ** 2;
}

export function placeScene(scene: Scene, at: number): PlacedScene {
  const { opacities, order, shDegree } = scene;
  const indices = new Uint32Array(sharedBytes(order.length * 4));
  let count = 0;
  for (let n = 0; n < order.length; n++) {
    const i = order[n] ?? 0;
    if ((opacities[i] ?? 0) >= leastOpacity) {
      indices[count++] = i;
    }
  }
  return { scene, at, shDegree, seen: indices.subarray(0, count), count };
}

/** Writes one of several parts of a scene's splats, so that threads can share that. */
export function writeSplats(
  buffer: SharedArrayBuffer,
  { scene, at, seen, count }: PlacedScene,
  part = 0,
  parts = 1,
): void {
  const { positions, covariances, opacities, sh, shDegree } = scene;
  const column = aligned(count * 4) / 4;
  const floats = new Float32Array(buffer, at, column * columns);
  const ints = new Uint32Array(buffer, at, column * columns);
  const colours = new Float32Array(buffer, at + column * columns * 4);
  const first = Math.floor((count * part) / parts);
  const end = Math.floor((count * (part + 1)) / parts);
  // Splats lie anywhere in the asset. The shorter a loop is, the more of them a processor asks for at one time.
  for (let n = first; n < end; n++) {
    const from = (seen[n] ?? 0) * 3;
    floats[n] = positions[from] ?? 0;
    floats[column + n] = positions[from + 1] ?? 0;
    floats[column * 2 + n] = positions[from + 2] ?? 0;
  }
  for (let n = first; n < end; n++) {
    const from = (seen[n] ?? 0) * 6;
    floats[column * 3 + n] = covariances[from] ?? 0;
    floats[column * 4 + n] = covariances[from + 1] ?? 0;
    floats[column * 5 + n] = covariances[from + 2] ?? 0;
    floats[column * 6 + n] = covariances[from + 3] ?? 0;
    floats[column * 7 + n] = covariances[from + 4] ?? 0;
    floats[column * 8 + n] = covariances[from + 5] ?? 0;
  }
  for (let n = first; n < end; n++) {
    const i = seen[n] ?? 0;
    floats[column * 9 + n] = opacities[i] ?? 0;
    ints[column * 10 + n] = i;
  }
  for (let n = column * 9 + first; n < column * 9 + end; n++) {
    floats[n] = Math.log2(floats[n] ?? 0);
  }
  const perSplat = coefficients(shDegree);
  for (let n = first; n < end; n++) {
    const from = (seen[n] ?? 0) * perSplat * 3;
    const to = n * perSplat * 4;
    for (let k = 0; k < perSplat; k++) {
      colours[to + k * 4] = sh[from + k * 3] ?? 0;
      colours[to + k * 4 + 1] = sh[from + k * 3 + 1] ?? 0;
      colours[to + k * 4 + 2] = sh[from + k * 3 + 2] ?? 0;
    }
  }
  if (shDegree > 0) {
    return;
  }
  // Without bands above 0 the colour is the same from everywhere.
  const least = scene.isUnclamped ? -mostColour : 0;
  for (let to = first * 4; to < end * 4; to += 4) {
    colours[to] = colourOf(colours[to] ?? 0, least);
    colours[to + 1] = colourOf(colours[to + 1] ?? 0, least);
    colours[to + 2] = colourOf(colours[to + 2] ?? 0, least);
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
