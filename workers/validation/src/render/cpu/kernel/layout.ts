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
  const { positions, covariances, opacities } = scene;
  const column = aligned(count * 4) / 4;
  const floats = new Float32Array(buffer, at, column * columns);
  const ints = new Uint32Array(buffer, at, column * columns);
  const colours = new Float32Array(buffer, at + column * columns * 4);
  const first = Math.floor((count * part) / parts);
  const end = Math.floor((count * (part + 1)) / parts);
  // All of a splat at once: where it lies in the asset is another place for each.
  for (let n = first; n < end; n++) {
    const i = seen[n] ?? 0;
    for (let axis = 0; axis < 3; axis++) {
      floats[axis * column + n] = positions[i * 3 + axis] ?? 0;
    }
    for (let term = 0; term < 6; term++) {
      floats[(3 + term) * column + n] = covariances[i * 6 + term] ?? 0;
    }
    floats[9 * column + n] = Math.log2(opacities[i] ?? 0);
    ints[10 * column + n] = i;
    writeColours(colours, n, scene, i);
  }
}

/** The colours of splat `i`, as the `n`th of `target`. */
function writeColours(target: Float32Array, n: number, scene: Scene, i: number): void {
  const { sh, shDegree } = scene;
  const least = scene.isUnclamped ? -mostColour : 0;
  const perSplat = coefficients(shDegree);
  for (let k = 0; k < perSplat; k++) {
    const from = (i * perSplat + k) * 3;
    const to = (n * perSplat + k) * 4;
    for (let channel = 0; channel < 3; channel++) {
      const value = sh[from + channel] ?? 0;
      // Without bands above 0 the colour is the same from everywhere.
      target[to + channel] = shDegree === 0 ? colourOf(value, least) : value;
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
