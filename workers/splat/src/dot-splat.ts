/**
 * `.splat`: 32 bytes a splat and nothing else, so it cannot be told from other bytes; it is read only when named.
 * Position and standard deviations as float32, colour and opacity as four bytes, the quaternion w x y z as four.
 */
import { checkCount, checkSplat } from "./checks.ts";
import { AssetError, type AssetLimits, defaultAssetLimits, type Splat, shC0 } from "./splat.ts";

const recordBytes = 32;

/** @throws AssetError */
export function readDotSplat(bytes: Uint8Array, limits: AssetLimits = defaultAssetLimits): Splat {
  const count = bytes.length / recordBytes;
  if (!Number.isInteger(count)) {
    throw new AssetError("truncated", `${bytes.length} bytes are no multiple of ${recordBytes}`);
  }
  checkCount(count, limits);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const splat: Splat = {
    count,
    shDegree: 0,
    positions: new Float32Array(count * 3),
    scales: new Float32Array(count * 3),
    rotations: new Float32Array(count * 4),
    opacities: new Float32Array(count),
    shDc: new Float32Array(count * 3),
    shRest: new Float32Array(0),
  };
  for (let i = 0; i < count; i++) {
    const at = i * recordBytes;
    for (let axis = 0; axis < 3; axis++) {
      splat.positions[i * 3 + axis] = view.getFloat32(at + axis * 4, true);
      splat.scales[i * 3 + axis] = logOfDeviation(view.getFloat32(at + 12 + axis * 4, true));
      splat.shDc[i * 3 + axis] = (view.getUint8(at + 24 + axis) / 255 - 0.5) / shC0;
    }
    const alpha = view.getUint8(at + 27);
    splat.opacities[i] = Math.log(alpha / (255 - alpha));
    for (let part = 0; part < 4; part++) {
      splat.rotations[i * 4 + part] = (view.getUint8(at + 28 + part) - 128) / 128;
    }
  }
  return checkSplat(splat, limits);
}

/** Below this a splat has no size that matters; the logarithm stays finite. */
const leastDeviation = 1e-30;

/** A deviation of 0 is drawn as a point; a negative one or NaN stays what it is and is refused. */
export function logOfDeviation(deviation: number): number {
  return deviation >= 0 ? Math.log(Math.max(leastDeviation, deviation)) : Number.NaN;
}
