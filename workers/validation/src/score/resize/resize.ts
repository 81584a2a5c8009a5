/**
 * Pillow's bicubic resize with antialiasing, bit for bit: the kernel is stretched by the scale when a picture gets
 * smaller, weights are fixed point, the horizontal pass is rounded to bytes before the vertical one. Weights are made
 * here, the passes are in resize.as.
 * Source: Pillow, src/libImaging/Resample.c.
 */
import {
  ensureBytes,
  instantiateKernel,
  type KernelMemory,
  loadKernel,
} from "../../kernels/wasm.ts";
import type { RgbImage } from "../../render/index.ts";
import { type Windows, windowsOf } from "./windows.ts";

const channels = 3;
/** The kernel reads and writes up to so many bytes behind a picture. */
const slackBytes = 16;

interface ResizeKernel {
  readonly memory: KernelMemory;
  firstByte(): number;
  resizeRows(
    ...args: [
      ...[pixels: number, width: number, height: number, result: number, outWidth: number],
      ...[starts: number, lengths: number, weights: number, stride: number],
    ]
  ): void;
  resizeColumns(
    ...args: [
      ...[pixels: number, rowBytes: number, result: number, outHeight: number],
      ...[starts: number, lengths: number, weights: number, stride: number],
    ]
  ): void;
}

/** Resizes a picture to a width and a height. */
export type Resize = (image: RgbImage, width: number, height: number) => RgbImage;

/** Keeps its memory from one picture to the next. */
export function createResize(): Resize {
  const module = loadKernel(new URL("resize.wasm", import.meta.url));
  const kernel = instantiateKernel<ResizeKernel>(module);
  return (image, width, height) => {
    for (const side of [width, height, image.width, image.height]) {
      if (!Number.isInteger(side) || side < 1) {
        throw new RangeError(`a side of ${side} pixels`);
      }
    }
    return resize(kernel, image, width, height);
  };
}

/** @throws RangeError when a side is not a whole number from 1 on */
function resize(kernel: ResizeKernel, image: RgbImage, width: number, height: number): RgbImage {
  const across = windowsOf(image.width, width);
  const down = windowsOf(image.height, height);
  const rowBytes = width * channels;
  const place = createPlaces(kernel.firstByte());
  const source = place(image.pixels.length + slackBytes);
  const narrowed = place(rowBytes * image.height + slackBytes);
  const result = place(rowBytes * height + slackBytes);
  const acrossAt = placeWindows(across, place);
  const downAt = placeWindows(down, place);
  ensureBytes(kernel.memory, place(0));
  const { buffer } = kernel.memory;
  new Uint8Array(buffer).set(image.pixels, source);
  writeWindows(buffer, across, acrossAt);
  writeWindows(buffer, down, downAt);
  if (width !== image.width) {
    kernel.resizeRows(source, image.width, image.height, narrowed, width, ...acrossAt);
  }
  const rows = width === image.width ? source : narrowed;
  if (height !== image.height) {
    kernel.resizeColumns(rows, rowBytes, result, height, ...downAt);
  }
  const at = height === image.height ? rows : result;
  return { width, height, pixels: new Uint8Array(buffer, at, rowBytes * height).slice() };
}

/** Each call gives the next free place of so many bytes. */
function createPlaces(first: number): (bytes: number) => number {
  let next = first;
  return (bytes) => {
    const at = Math.ceil(next / slackBytes) * slackBytes;
    next = at + bytes;
    return at;
  };
}

type WindowPlaces = readonly [starts: number, lengths: number, weights: number, stride: number];

function placeWindows(
  { starts, lengths, weights, stride }: Windows,
  place: (bytes: number) => number,
): WindowPlaces {
  const [at, lengthsAt] = [place(starts.byteLength), place(lengths.byteLength)];
  return [at, lengthsAt, place(weights.byteLength), stride];
}

function writeWindows(
  buffer: ArrayBuffer,
  { starts, lengths, weights }: Windows,
  [startsAt, lengthsAt, weightsAt]: WindowPlaces,
): void {
  new Int32Array(buffer, startsAt).set(starts);
  new Int32Array(buffer, lengthsAt).set(lengths);
  new Int32Array(buffer, weightsAt).set(weights);
}
