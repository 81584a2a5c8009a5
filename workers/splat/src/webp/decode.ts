/**
 * Lossless WebP, with which SOG stores its columns: what a picture means there are numbers, so every bit counts. Our own
 * decoder, since the reading core runs wherever there are typed arrays. Source: RFC 9649.
 */
import { AssetError } from "../splat.ts";
import { textOf } from "../text.ts";
import { BitReader, malformed } from "./bits.ts";
import { blocks, readPixels } from "./entropy.ts";
import { accumulate, addCorrelated, addGreen, addPredicted, lookUpColours } from "./transforms.ts";

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Row by row; red, green, blue, alpha, not multiplied by alpha. */
  readonly rgba: Uint8Array;
}

const signature = 0x2f;

/** @throws AssetError; before any pixel is decoded when there are more than `maxPixels` */
export function decodeWebp(bytes: Uint8Array, maxPixels: number): Picture {
  const bits = new BitReader(losslessChunk(bytes));
  if (bits.read(8) !== signature) {
    throw malformed("it has another signature");
  }
  const [width, height] = [bits.read(14) + 1, bits.read(14) + 1];
  bits.read(1); // whether alpha is used: a hint
  if (bits.read(3) !== 0) {
    throw malformed("it is of another version");
  }
  if (width * height > maxPixels) {
    throw new AssetError(
      "too-large",
      `a WebP picture has ${width}×${height} pixels; at most ${maxPixels} are read`,
    );
  }
  return { width, height, rgba: bytesOfPixels(readTransformed(bits, width, height)) };
}

function losslessChunk(bytes: Uint8Array): Uint8Array {
  const name = (at: number): string => textOf(bytes.subarray(at, at + 4));
  if (name(0) !== "RIFF" || name(8) !== "WEBP") {
    throw malformed("it is no WebP");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true);
    if (name(at) === "VP8L") {
      return bytes.subarray(at + 8, at + 8 + size);
    }
    if (name(at) === "VP8 ") {
      throw malformed("it is a lossy one, which changes the numbers in it");
    }
    at += 8 + size + (size & 1);
  }
  throw new AssetError("truncated", "a WebP picture ends before its pixels");
}

const [predictor, correlation, greenSubtracted, colourTable] = [0, 1, 2, 3];

function readTransformed(bits: BitReader, width: number, height: number): Uint32Array {
  const undo: ((pixels: Uint32Array) => Uint32Array)[] = [];
  const seen = new Set<number>();
  let stored = width;
  while (bits.read(1) === 1) {
    const kind = bits.read(2);
    if (seen.has(kind)) {
      throw malformed("it is transformed twice in the same way");
    }
    seen.add(kind);
    const across = stored;
    if (kind === predictor || kind === correlation) {
      const blockBits = bits.read(3) + 2;
      const map = readPixels(bits, blocks(across, blockBits), blocks(height, blockBits), false);
      const add = kind === predictor ? addPredicted : addCorrelated;
      undo.push((pixels) => {
        add(pixels, across, map, blockBits);
        return pixels;
      });
    } else if (kind === greenSubtracted) {
      undo.push((pixels) => {
        addGreen(pixels);
        return pixels;
      });
    } else if (kind === colourTable) {
      const size = bits.read(8) + 1;
      const table = readPixels(bits, size, 1, false);
      accumulate(table);
      const packBits = size <= 2 ? 3 : size <= 4 ? 2 : size <= 16 ? 1 : 0;
      undo.push((pixels) => lookUpColours(pixels, across, table, packBits));
      stored = blocks(stored, packBits);
    }
  }
  const pixels = readPixels(bits, stored, height, true);
  return undo.reduceRight((changed, step) => step(changed), pixels);
}

function bytesOfPixels(pixels: Uint32Array): Uint8Array {
  const rgba = new Uint8Array(pixels.length * 4);
  for (const [i, argb] of pixels.entries()) {
    rgba[i * 4] = argb >>> 16;
    rgba[i * 4 + 1] = argb >>> 8;
    rgba[i * 4 + 2] = argb;
    rgba[i * 4 + 3] = argb >>> 24;
  }
  return rgba;
}
