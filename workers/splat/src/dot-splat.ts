/**
 * `.splat`: 32 bytes a splat and nothing else, so it cannot be told from other bytes; it is read only when named.
 * Position and standard deviations as float32, colour and opacity as four bytes, the quaternion w x y z as four.
 */
import { colourOfDc, dcOfColour, logitOfByte, logOfDeviation, opacityOf } from "./activation.ts";
import { checkCount, checkSplat } from "./checks.ts";
import { checkMemory } from "./memory.ts";
import { AssetError, type AssetLimits, defaultAssetLimits, type Splat } from "./splat.ts";
import { createSplat } from "./splats.ts";

const recordBytes = 32;

/** @throws AssetError */
export function readDotSplat(bytes: Uint8Array, limits: AssetLimits = defaultAssetLimits): Splat {
  return checkSplat(decodeDotSplat(bytes, limits), limits);
}

/** Records that are looked at, and the largest deviation and coordinate that they may have: real ones lie far below. */
const lookedAt = 64;
const plausible = 1e5;

/** Whether the bytes could be a .splat: enough to take one by its name, too little to tell one from other files. */
export function mayBeDotSplat(bytes: Uint8Array): boolean {
  if (bytes.length === 0 || bytes.length % recordBytes !== 0) {
    return false;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const end = Math.min(bytes.length, lookedAt * recordBytes);
  for (let at = 0; at < end; at += recordBytes) {
    for (let part = 0; part < 6; part++) {
      const value = view.getFloat32(at + part * 4, true);
      if (!(Math.abs(value) < plausible) || (part >= 3 && value < 0)) {
        return false;
      }
    }
  }
  return true;
}

/** Not yet checked. @throws AssetError */
export function decodeDotSplat(bytes: Uint8Array, limits: AssetLimits): Splat {
  const count = bytes.length / recordBytes;
  if (!Number.isInteger(count)) {
    throw new AssetError("truncated", `${bytes.length} bytes are no multiple of ${recordBytes}`);
  }
  checkCount(count, limits);
  checkMemory({ count, restCount: 0, contentBytes: bytes.length, scratchBytes: 0 }, limits);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const splat = createSplat(count);
  for (let i = 0; i < count; i++) {
    const at = i * recordBytes;
    for (let axis = 0; axis < 3; axis++) {
      splat.positions[i * 3 + axis] = view.getFloat32(at + axis * 4, true);
      splat.scales[i * 3 + axis] = logOfDeviation(view.getFloat32(at + 12 + axis * 4, true));
      splat.shDc[i * 3 + axis] = dcOfColour(view.getUint8(at + 24 + axis) / 255);
    }
    splat.opacities[i] = logitOfByte(view.getUint8(at + 27));
    for (let part = 0; part < 4; part++) {
      splat.rotations[i * 4 + part] = (view.getUint8(at + 28 + part) - 128) / 128;
    }
  }
  return splat;
}

/** Lossy: a byte a channel and for the opacity, seven bits of the rotation; harmonics above band 0 have no place. */
export function writeDotSplat(splat: Splat): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(splat.count * recordBytes);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < splat.count; i++) {
    const at = i * recordBytes;
    for (let axis = 0; axis < 3; axis++) {
      view.setFloat32(at + axis * 4, splat.positions[i * 3 + axis] ?? 0, true);
      view.setFloat32(at + 12 + axis * 4, Math.exp(splat.scales[i * 3 + axis] ?? 0), true);
      bytes[at + 24 + axis] = byteOf(colourOfDc(splat.shDc[i * 3 + axis] ?? 0) * 255);
    }
    bytes[at + 27] = byteOf(opacityOf(splat.opacities[i] ?? 0) * 255);
    const [w = 1, x = 0, y = 0, z = 0] = splat.rotations.subarray(i * 4, i * 4 + 4);
    const length = Math.hypot(w, x, y, z);
    for (const [part, value] of [w, x, y, z].entries()) {
      bytes[at + 28 + part] = byteOf((value / length) * 128 + 128);
    }
  }
  return bytes;
}

function byteOf(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}
