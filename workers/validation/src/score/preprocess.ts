/** From a picture to what a vision tower takes. */
import type { RgbImage } from "../render/index.ts";
import { createResize } from "./resize/index.ts";

/** How pictures are made ready for a model. */
export interface Preprocessing {
  /** In pixels: the side that the shorter edge gets, or both sides whatever the picture's; undefined: not resized. */
  readonly resize: { readonly shortestEdge: number } | PictureSize | undefined;
  /** Size in pixels that is cut out of the middle, and what the model takes. */
  readonly crop: PictureSize;
  /** What a byte is multiplied by. */
  readonly rescaleFactor: number;
  readonly mean: Triple;
  readonly std: Triple;
}

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

export type Triple = readonly [number, number, number];

/**
 * Makes pictures the model's size: resized and cut, still bytes. Parts of the cut outside the picture are black. A
 * picture of that size comes back as it is.
 * @throws RangeError when a picture's bytes are not those of its size
 */
export function createCrop({ resize: to, crop }: Preprocessing): (image: RgbImage) => RgbImage {
  const resize = createResize();
  return (image) => {
    const { width, height, pixels } = image;
    if (pixels.length !== width * height * 3) {
      throw new RangeError(`${pixels.length} bytes for ${width} × ${height} pixels of 3 bytes`);
    }
    if (to === undefined) {
      return cutMiddle(image, crop);
    }
    const size = "shortestEdge" in to ? sizeByShortest(image, to.shortestEdge) : to;
    const isThatSize = size.width === width && size.height === height;
    return cutMiddle(isThatSize ? image : resize(image, size.width, size.height), crop);
  };
}

function sizeByShortest({ width, height }: PictureSize, shortest: number): PictureSize {
  const long = Math.floor((shortest * Math.max(width, height)) / Math.min(width, height));
  return width < height ? { width: shortest, height: long } : { width: long, height: shortest };
}

function cutMiddle(image: RgbImage, { width, height }: Preprocessing["crop"]): RgbImage {
  // floor, as transformers does it; torchvision rounds and takes another column when the difference is 3 modulo 4.
  const left = Math.floor((image.width - width) / 2);
  const top = Math.floor((image.height - height) / 2);
  if (left === 0 && top === 0 && image.width === width && image.height === height) {
    return image;
  }
  const cut = new Uint8Array(width * height * 3);
  const from = Math.max(0, left);
  const to = Math.min(image.width, left + width);
  for (let y = Math.max(0, -top); y < Math.min(height, image.height - top); y++) {
    const row = (y + top) * image.width;
    cut.set(image.pixels.subarray((row + from) * 3, (row + to) * 3), (y * width + from - left) * 3);
  }
  return { width, height, pixels: cut };
}

/** Writes the pixel values of a picture of the model's size (channel, row, column) into `values` from `offset` on. */
export type WritePixelValues = (image: RgbImage, values: Float32Array, offset: number) => void;

export function createPixelWriter({ rescaleFactor, mean, std }: Preprocessing): WritePixelValues {
  const tables = ([0, 1, 2] as const).map((channel) =>
    Float32Array.from(
      { length: 256 },
      (_, byte) => (byte * rescaleFactor - mean[channel]) / std[channel],
    ),
  );
  return ({ pixels, width, height }, values, offset) => {
    tables.forEach((table, channel) => {
      const first = offset + channel * width * height;
      writeChannel(pixels, channel, table, values, first, width * height);
    });
  };
}

function writeChannel(
  pixels: Uint8Array,
  channel: number,
  table: Float32Array,
  values: Float32Array,
  first: number,
  count: number,
): void {
  for (let i = 0, from = channel; i < count; i++, from += 3) {
    values[first + i] = table[pixels[from] ?? 0] ?? 0;
  }
}
