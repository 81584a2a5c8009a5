/** `.ksplat` files of one section, at each level of its packing. */

import { encodeHalf } from "../../src/half.ts";
import { type Splat, shC0, shRestCount } from "../../src/index.ts";

const blockSize = 5;
const steps = 32767;

/** @param bucketSize splats to a bucket; the last bucket holds what is left */
export function makeKsplat(splat: Splat, level: 0 | 1 | 2, bucketSize = 16): Uint8Array {
  const { count, shDegree } = splat;
  const rest = shRestCount(shDegree) * 3;
  const [floatBytes, harmonicBytes] = [level === 0 ? 4 : 2, [4, 2, 1][level] ?? 1];
  const stride = (3 + 3 + 4) * floatBytes + 4 + rest * harmonicBytes;
  const isPacked = level > 0;
  const full = isPacked ? Math.floor(count / bucketSize) : 0;
  const left = isPacked ? count - full * bucketSize : 0;
  const buckets = full + (left > 0 ? 1 : 0);
  const partials = left > 0 ? 1 : 0;
  const centresAt = 4096 + 1024 + partials * 4;
  const splatsAt = centresAt + buckets * 12;
  const bytes = Buffer.alloc(splatsAt + count * stride);
  bytes.writeUInt8(1, 1);
  for (const [at, value] of [
    [4, 1],
    [8, 1],
    [12, count],
    [16, count],
  ] as const) {
    bytes.writeUInt32LE(value, at);
  }
  bytes.writeUInt16LE(level, 20);
  bytes.writeFloatLE(-1, 36);
  bytes.writeFloatLE(1, 40);
  for (const [at, value] of [
    [0, count],
    [4, count],
    [8, bucketSize],
    [12, buckets],
    [24, steps],
    [32, full],
    [36, partials],
  ] as const) {
    bytes.writeUInt32LE(value, 4096 + at);
  }
  bytes.writeFloatLE(blockSize, 4096 + 16);
  bytes.writeUInt16LE(12, 4096 + 20);
  bytes.writeUInt16LE(shDegree, 4096 + 40);
  if (partials > 0) {
    bytes.writeUInt32LE(left, 4096 + 1024);
  }
  const centreOf = (i: number): number => centresAt + Math.floor(i / bucketSize) * 12;
  for (let bucket = 0; bucket < buckets; bucket++) {
    for (let axis = 0; axis < 3; axis++) {
      bytes.writeFloatLE(bucket * 0.01 - axis * 0.02, centresAt + bucket * 12 + axis * 4);
    }
  }
  for (let i = 0; i < count; i++) {
    let at = splatsAt + i * stride;
    const put = (value: number): void => {
      if (level === 0) {
        bytes.writeFloatLE(value, at);
      } else {
        bytes.writeUInt16LE(encodeHalf(value), at);
      }
      at += floatBytes;
    };
    for (let axis = 0; axis < 3; axis++) {
      const value = splat.positions[i * 3 + axis] ?? 0;
      if (level === 0) {
        put(value);
      } else {
        const offset = value - bytes.readFloatLE(centreOf(i) + axis * 4);
        bytes.writeUInt16LE(Math.round((offset / (blockSize / 2)) * steps) + steps, at);
        at += 2;
      }
    }
    for (let axis = 0; axis < 3; axis++) {
      put(Math.exp(splat.scales[i * 3 + axis] ?? 0));
    }
    for (let part = 0; part < 4; part++) {
      put(splat.rotations[i * 4 + part] ?? 0);
    }
    for (let k = 0; k < 3; k++) {
      const colour = 0.5 + shC0 * (splat.shDc[i * 3 + k] ?? 0);
      bytes.writeUInt8(Math.min(255, Math.max(0, Math.round(colour * 255))), at++);
    }
    bytes.writeUInt8(Math.round(255 / (1 + Math.exp(-(splat.opacities[i] ?? 0)))), at++);
    for (const k of storedOrder(rest)) {
      const value = splat.shRest[i * rest + k] ?? 0;
      if (level === 2) {
        bytes.writeUInt8(Math.round((value + 1) * 127.5), at++);
      } else {
        if (level === 0) {
          bytes.writeFloatLE(value, at);
        } else {
          bytes.writeUInt16LE(encodeHalf(value), at);
        }
        at += harmonicBytes;
      }
    }
  }
  return bytes;
}

/** Band by band, in each red first, then green, then blue; of places that go coefficient by coefficient. */
function storedOrder(rest: number): readonly number[] {
  const order: number[] = [];
  for (const [start, size] of [
    [0, 3],
    [3, 5],
    [8, 7],
  ] as const) {
    for (let channel = 0; channel < 3; channel++) {
      for (let k = start; k < start + size; k++) {
        order.push(k * 3 + channel);
      }
    }
  }
  return order.filter((place) => place < rest);
}
