/** From a picture to what a vision tower takes, as `preprocessor_config.json` says it. */
import { z } from "zod";
import type { RgbImage } from "../render/index.ts";
import { ModelError } from "./errors.ts";
import { createResize } from "./resize/index.ts";

/** How pictures are made ready for a model. */
export interface Preprocessing {
  /** Side in pixels that the shorter edge gets; undefined: not resized. */
  readonly shortestEdge: number | undefined;
  /** Size in pixels that is cut out of the middle, and what the model takes. */
  readonly crop: { readonly width: number; readonly height: number };
  /** What a byte is multiplied by. */
  readonly rescaleFactor: number;
  readonly mean: Triple;
  readonly std: Triple;
}

type Triple = readonly [number, number, number];

const triple = z.tuple([z.number(), z.number(), z.number()]).readonly();
const pixels = z.int().min(1).max(4096);
/** Pillow's number of bicubic, the filter CLIP uses. */
const bicubic = 3;

const configSchema = z.object({
  do_resize: z.boolean().default(true),
  size: z.union([pixels, z.object({ shortest_edge: pixels })]).default(224),
  resample: z.literal(bicubic).default(bicubic),
  do_center_crop: z.boolean().default(true),
  crop_size: z.union([pixels, z.object({ height: pixels, width: pixels })]).default(224),
  do_rescale: z.boolean().default(true),
  rescale_factor: z
    .number()
    .positive()
    .default(1 / 255),
  do_normalize: z.boolean().default(true),
  // Of the pictures that OpenAI's CLIP was trained on.
  image_mean: triple.default([0.48145466, 0.4578275, 0.40821073]),
  image_std: triple.default([0.26862954, 0.26130258, 0.27577711]),
});

/**
 * @param config the parsed JSON; an empty object means CLIP's own values
 * @throws ModelError when it asks for something that this cannot do
 */
export function parsePreprocessing(config: unknown): Preprocessing {
  const parsed = configSchema.safeParse(config);
  if (!parsed.success) {
    throw new ModelError(
      "configuration",
      `preprocessor_config.json: ${z.prettifyError(parsed.error)}`,
    );
  }
  const { size, crop_size: crop, ...values } = parsed.data;
  if (!values.do_center_crop) {
    throw new ModelError(
      "configuration",
      "preprocessor_config.json: do_center_crop is false; a CLIP takes pictures of one size",
    );
  }
  return {
    shortestEdge: !values.do_resize
      ? undefined
      : typeof size === "number"
        ? size
        : size.shortest_edge,
    crop: typeof crop === "number" ? { width: crop, height: crop } : crop,
    rescaleFactor: values.do_rescale ? values.rescale_factor : 1,
    mean: values.do_normalize ? values.image_mean : [0, 0, 0],
    std: values.do_normalize ? values.image_std : [1, 1, 1],
  };
}

/**
 * Makes pictures the model's size: resized and cut, still bytes. Parts of the cut outside the picture are black. A
 * picture of that size comes back as it is.
 * @throws RangeError when a picture's bytes are not those of its size
 */
export function createCrop({ shortestEdge, crop }: Preprocessing): (image: RgbImage) => RgbImage {
  const resize = createResize();
  return (image) => {
    const { width, height, pixels } = image;
    if (pixels.length !== width * height * 3) {
      throw new RangeError(`${pixels.length} bytes for ${width} × ${height} pixels of 3 bytes`);
    }
    if (shortestEdge === undefined) return cutMiddle(image, crop);
    const long = Math.floor((shortestEdge * Math.max(width, height)) / Math.min(width, height));
    const [toWidth, toHeight] = width < height ? [shortestEdge, long] : [long, shortestEdge];
    const isThatSize = toWidth === width && toHeight === height;
    return cutMiddle(isThatSize ? image : resize(image, toWidth, toHeight), crop);
  };
}

function cutMiddle(image: RgbImage, { width, height }: Preprocessing["crop"]): RgbImage {
  // floor, as transformers does it; torchvision rounds and takes another column when the difference is 3 modulo 4.
  const left = Math.floor((image.width - width) / 2);
  const top = Math.floor((image.height - height) / 2);
  if (left === 0 && top === 0 && image.width === width && image.height === height) return image;
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
export function writePixelValues(
  { pixels: bytes, width, height }: RgbImage,
  { rescaleFactor, mean, std }: Preprocessing,
  values: Float32Array,
  offset: number,
): void {
  const plane = width * height;
  for (const channel of [0, 1, 2] as const) {
    const table = Float32Array.from(
      { length: 256 },
      (_, byte) => (byte * rescaleFactor - mean[channel]) / std[channel],
    );
    for (let i = 0; i < plane; i++) {
      values[offset + channel * plane + i] = table[bytes[i * 3 + channel] ?? 0] ?? 0;
    }
  }
}
