/**
 * Pillow's bicubic resize with antialiasing, bit for bit: the kernel is stretched by the scale when a picture gets
 * smaller, weights are fixed point, the horizontal pass is rounded to bytes before the vertical one.
 * Source: Pillow, src/libImaging/Resample.c.
 */
import type { RgbImage } from "../render/index.ts";

/** Bits after the point of a weight: 32 bits, less 8 of a pixel and 2 for overshoot. Source: PRECISION_BITS. */
const precisionBits = 32 - 8 - 2;
/** Radius in which the bicubic kernel is not zero. */
const bicubicSupport = 2;
const channels = 3;

/** @throws RangeError when a side is not a whole number from 1 on */
export function resizeBicubic(image: RgbImage, width: number, height: number): RgbImage {
  for (const side of [width, height, image.width, image.height]) {
    if (!Number.isInteger(side) || side < 1) throw new RangeError(`a side of ${side} pixels`);
  }
  const narrowed = width === image.width ? image : resizeRows(image, width);
  return height === narrowed.height ? narrowed : resizeColumns(narrowed, height);
}

/** For each output position where its window starts, and the weights of the window. */
interface Windows {
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  /** `stride` a position. */
  readonly weights: Int32Array;
  readonly stride: number;
}

function resizeRows(image: RgbImage, width: number): RgbImage {
  const { starts, lengths, weights, stride } = windows(image.width, width);
  const { pixels, height } = image;
  const result = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const row = y * image.width;
    for (let x = 0; x < width; x++) {
      let red = 1 << (precisionBits - 1);
      let green = red;
      let blue = red;
      let from = (row + (starts[x] ?? 0)) * channels;
      const length = lengths[x] ?? 0;
      for (let k = 0; k < length; k++) {
        const weight = weights[x * stride + k] ?? 0;
        red += (pixels[from++] ?? 0) * weight;
        green += (pixels[from++] ?? 0) * weight;
        blue += (pixels[from++] ?? 0) * weight;
      }
      const to = (y * width + x) * channels;
      result[to] = toByte(red);
      result[to + 1] = toByte(green);
      result[to + 2] = toByte(blue);
    }
  }
  return { width, height, pixels: result };
}

function resizeColumns(image: RgbImage, height: number): RgbImage {
  const { starts, lengths, weights, stride } = windows(image.height, height);
  const { pixels, width } = image;
  const rowLength = width * channels;
  const result = new Uint8Array(rowLength * height);
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < height; y++) {
    sums.fill(1 << (precisionBits - 1));
    let from = (starts[y] ?? 0) * rowLength;
    const length = lengths[y] ?? 0;
    for (let k = 0; k < length; k++) {
      const weight = weights[y * stride + k] ?? 0;
      for (let i = 0; i < rowLength; i++) {
        sums[i] = (sums[i] ?? 0) + (pixels[from++] ?? 0) * weight;
      }
    }
    const to = y * rowLength;
    for (let i = 0; i < rowLength; i++) result[to + i] = toByte(sums[i] ?? 0);
  }
  return { width, height, pixels: result };
}

function toByte(fixed: number): number {
  const value = fixed >> precisionBits;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

function windows(inputLength: number, outputLength: number): Windows {
  const scale = inputLength / outputLength;
  const filterScale = Math.max(scale, 1);
  const support = bicubicSupport * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(outputLength);
  const lengths = new Int32Array(outputLength);
  const weights = new Int32Array(outputLength * stride);
  const inverse = 1 / filterScale;
  const raw = new Float64Array(stride);
  for (let i = 0; i < outputLength; i++) {
    const center = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(inputLength, Math.trunc(center + support + 0.5));
    let sum = 0;
    for (let k = 0; k < end - start; k++) {
      const weight = bicubic((k + start - center + 0.5) * inverse);
      raw[k] = weight;
      sum += weight;
    }
    // Multiplied by the reciprocal: a division would round some weights the other way.
    const normaliser = sum === 0 ? 1 : 1 / sum;
    for (let k = 0; k < end - start; k++) {
      const fixed = (raw[k] ?? 0) * normaliser * (1 << precisionBits);
      weights[i * stride + k] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
    starts[i] = start;
    lengths[i] = end - start;
  }
  return { starts, lengths, weights, stride };
}

/** Keys' kernel with a = −0.5. */
function bicubic(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < bicubicSupport) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}
