/**
 * Pillow's bicubic resize with antialiasing, bit for bit: the kernel is stretched by the scale when a picture gets
 * smaller, weights are fixed point, the horizontal pass is rounded to bytes before the vertical one. Weights are made
 * here, the passes are in resize.as.
 * Source: Pillow, src/libImaging/Resample.c.
 */
import { loadKernel } from "../../kernels/load.ts";
import { ensureBytes, instantiateKernel, type KernelMemory } from "../../kernels/wasm.ts";
import type { RgbImage } from "../../render/index.ts";
import { type Windows, windowsOf } from "./windows.ts";

const channels = 3;
/** The kernel reads and writes up to so many bytes behind a picture. */
const slackBytes = 48;
/** Where numbers lie, they lie at multiples of this. */
const alignment = 16;
/** Where in a row the picture differs from its ground: first and last pixel. */
const extentBytes = 8;

interface ResizeKernel {
  readonly memory: KernelMemory;
  firstByte(): number;
  resizeRows(
    ...args: [
      ...[pixels: number, width: number, height: number, result: number, outWidth: number],
      ...[starts: number, pairs: number, weights: number, stride: number, extents: number],
    ]
  ): void;
  resizeColumns(
    ...args: [
      ...[pixels: number, rowBytes: number, result: number, outHeight: number],
      ...[starts: number, pairs: number, weights: number, stride: number, extents: number],
    ]
  ): void;
}

/** Resizes a picture to a width and a height. */
export type Resize = (image: RgbImage, width: number, height: number) => RgbImage;

/** Keeps its memory, and the windows of the last two sizes, from one picture to the next. */
export function createResize(): Resize {
  const module = loadKernel(new URL("resize.wasm", import.meta.url));
  const kernel = instantiateKernel<ResizeKernel>(module);
  let last: Layout | undefined;
  return (image, width, height) => {
    for (const side of [width, height, image.width, image.height]) {
      if (!Number.isInteger(side) || side < 1) {
        throw new RangeError(`a side of ${side} pixels`);
      }
    }
    if (last === undefined || !isFor(last, image, width, height)) {
      last = layOut(kernel, image, width, height);
    }
    return resize(kernel, last, image.pixels);
  };
}

/** Where everything lies for pictures of one size that are to have another. */
interface Layout {
  readonly from: PictureSides;
  readonly to: PictureSides;
  readonly source: number;
  readonly narrowed: number;
  readonly result: number;
  readonly extents: number;
  readonly across: WindowPlaces;
  readonly down: WindowPlaces;
}

type PictureSides = Pick<RgbImage, "width" | "height">;

function isFor({ from, to }: Layout, image: PictureSides, width: number, height: number): boolean {
  return (
    from.width === image.width &&
    from.height === image.height &&
    to.width === width &&
    to.height === height
  );
}

/** Makes room and writes the windows. */
function layOut(kernel: ResizeKernel, from: PictureSides, width: number, height: number): Layout {
  const across = packed(windowsOf(from.width, width));
  const down = packed(windowsOf(from.height, height));
  const place = createPlaces(kernel.firstByte());
  // Where a window is filled up to an even number of rows, one row behind a picture is read.
  const source = place(from.width * channels * from.height + slackBytes);
  const narrowed = place(width * channels * from.height + slackBytes);
  const result = place(width * channels * height + slackBytes);
  // A window that is filled up may end one row behind the picture.
  const extents = place((from.height + 2) * extentBytes);
  const acrossAt = placeWindows(across, place);
  const downAt = placeWindows(down, place);
  ensureBytes(kernel.memory, place(0));
  const { buffer } = kernel.memory;
  writeWindows(buffer, across, acrossAt);
  writeWindows(buffer, down, downAt);
  // Whole rows, where the first pass has nothing to do and says nothing of them.
  for (let row = 0; row < from.height + 2; row++) {
    new Int32Array(buffer, extents + row * extentBytes, 2).set([0, width - 1]);
  }
  return {
    from: { width: from.width, height: from.height },
    to: { width, height },
    ...{ source, narrowed, result, extents, across: acrossAt, down: downAt },
  };
}

function resize(kernel: ResizeKernel, layout: Layout, pixels: Uint8Array): RgbImage {
  const { from, to, source, narrowed, result, extents } = layout;
  const rowBytes = to.width * channels;
  const { buffer } = kernel.memory;
  new Uint8Array(buffer).set(pixels, source);
  if (to.width !== from.width) {
    kernel.resizeRows(
      ...([source, from.width, from.height, narrowed, to.width] as const),
      ...layout.across,
      extents,
    );
  }
  const rows = to.width === from.width ? source : narrowed;
  if (to.height !== from.height) {
    kernel.resizeColumns(rows, rowBytes, result, to.height, ...layout.down, extents);
  }
  const at = to.height === from.height ? rows : result;
  return { ...to, pixels: new Uint8Array(buffer, at, rowBytes * to.height).slice() };
}

/** Each call gives the next free place of so many bytes. */
function createPlaces(first: number): (bytes: number) => number {
  let next = first;
  return (bytes) => {
    const at = Math.ceil(next / alignment) * alignment;
    next = at + bytes;
    return at;
  };
}

/** Windows as the kernel reads them; see resize.as. */
interface PackedWindows {
  readonly starts: Int32Array;
  readonly pairs: Int32Array;
  /** For each two weights both upper parts, then both lower ones. */
  readonly weights: Int16Array;
  /** Weights of a position: an even number. */
  readonly stride: number;
}

/** Bits of the lower part of a weight. */
const lowerBits = 11;

function packed({ starts, lengths, weights, stride }: Windows): PackedWindows {
  const even = stride + (stride & 1);
  const parts = new Int16Array(starts.length * even * 2);
  for (let i = 0; i < starts.length; i++) {
    for (let k = 0; k < stride; k++) {
      const weight = weights[i * stride + k] ?? 0;
      const at = (i * even + k - (k & 1)) * 2 + (k & 1);
      parts[at] = weight >> lowerBits;
      parts[at + 2] = weight & ((1 << lowerBits) - 1);
    }
  }
  const pairs = lengths.map((length) => (length + 1) >> 1);
  return { starts, pairs, weights: parts, stride: even };
}

type WindowPlaces = readonly [starts: number, pairs: number, weights: number, stride: number];

function placeWindows(
  { starts, pairs, weights, stride }: PackedWindows,
  place: (bytes: number) => number,
): WindowPlaces {
  const [at, pairsAt] = [place(starts.byteLength), place(pairs.byteLength)];
  return [at, pairsAt, place(weights.byteLength), stride];
}

function writeWindows(
  buffer: ArrayBuffer,
  { starts, pairs, weights }: PackedWindows,
  [startsAt, pairsAt, weightsAt]: WindowPlaces,
): void {
  new Int32Array(buffer, startsAt).set(starts);
  new Int32Array(buffer, pairsAt).set(pairs);
  new Int16Array(buffer, weightsAt).set(weights);
}
