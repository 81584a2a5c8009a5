import { type Compression, gzip, zstd } from "#codecs";
import { encodeHalf } from "../half.ts";
import type { Splat } from "../splat.ts";
import { packSpzContainer } from "./container.ts";
import {
  colourScale,
  type SpzHeader,
  type SpzVersion,
  spzBytes,
  spzColumns,
  spzHeaderBytes,
  spzMagic,
} from "./format.ts";

export interface WriteSpzOptions {
  /** 2 when absent: what the subnet reads. */
  readonly version?: SpzVersion;
  /** zstd when absent: what the subnet reads. Version 4 has zstd inside and takes no other. */
  readonly compression?: Compression;
}

/** What Niantic's encoder uses; fewer when coordinates are too large for it. */
const usualFractionBits = 12;
const maxFixedPoint = 2 ** 23 - 1;

/** Lossy: 24 bits a coordinate (16-bit floats in version 1), 8 bits for nearly all else. */
export function writeSpz(splat: Splat, options: WriteSpzOptions = {}): Uint8Array {
  const { version = 2, compression = "zstd" } = options;
  const header: SpzHeader = {
    version,
    count: splat.count,
    shDegree: splat.shDegree,
    fractionBits: fractionBitsFor(splat.positions),
  };
  const plain = writePlainSpz(splat, header);
  if (version === 4) {
    return packSpzContainer(plain.subarray(spzHeaderBytes), header);
  }
  return compression === "gzip" ? gzip(plain) : zstd(plain);
}

function writePlainSpz(splat: Splat, header: SpzHeader): Uint8Array {
  const { version, count, shDegree, fractionBits } = header;
  const bytes = new Uint8Array(spzBytes(header));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, spzMagic, true);
  view.setUint32(4, version, true);
  view.setUint32(8, count, true);
  view.setUint8(12, shDegree);
  view.setUint8(13, fractionBits);

  let at = spzHeaderBytes;
  const put = (value: number): void => {
    bytes[at++] = Math.min(255, Math.max(0, Math.round(value)));
  };
  for (const value of splat.positions) {
    if (version === 1) {
      view.setUint16(at, encodeHalf(value), true);
    } else {
      const fixed = Math.round(value * 2 ** fractionBits);
      view.setUint16(at, fixed & 0xffff, true);
      view.setInt8(at + 2, fixed >> 16);
    }
    at += spzColumns(header).position / 3;
  }
  for (const value of splat.opacities) {
    put(255 / (1 + Math.exp(-value)));
  }
  for (const value of splat.shDc) {
    put((value * colourScale + 0.5) * 255);
  }
  for (const value of splat.scales) {
    put((value + 10) * 16);
  }
  for (let i = 0; i < count; i++) {
    const [w = 0, x = 0, y = 0, z = 0] = unitQuaternion(splat.rotations, i * 4);
    if (version >= 3) {
      view.setUint32(at, packSmallestThree([x, y, z, w]), true);
      at += 4;
    } else {
      // q and −q are the same rotation; w is taken to be positive by the reader.
      const sign = w < 0 ? -1 : 1;
      for (const value of [x, y, z]) {
        put((sign * value + 1) * 127.5);
      }
    }
  }
  for (const value of splat.shRest) {
    put(value * 128 + 128);
  }
  return bytes;
}

function fractionBitsFor(positions: Float32Array): number {
  let largest = 0;
  for (const value of positions) {
    largest = Math.max(largest, Math.abs(value));
  }
  let bits = usualFractionBits;
  while (bits > 0 && largest * 2 ** bits > maxFixedPoint) {
    bits--;
  }
  return bits;
}

function unitQuaternion(rotations: Float32Array, at: number): readonly number[] {
  const parts = [...rotations.subarray(at, at + 4)];
  const length = Math.hypot(...parts);
  return parts.map((part) => part / length);
}

/** See `unpackSmallestThree` of the reader. Components in the order x, y, z, w. */
function packSmallestThree(components: readonly number[]): number {
  const sizes = components.map(Math.abs);
  const largest = sizes.indexOf(Math.max(...sizes));
  const sign = (components[largest] ?? 0) < 0 ? -1 : 1;
  let packed = largest;
  components.forEach((component, index) => {
    if (index === largest) {
      return;
    }
    const value = component * sign;
    const magnitude = Math.min(511, Math.round((Math.abs(value) / Math.SQRT1_2) * 511));
    packed = packed * 1024 + (value < 0 ? 512 : 0) + magnitude;
  });
  return packed;
}
