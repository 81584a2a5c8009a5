/** From a picture to what a vision tower takes, as `preprocessor_config.json` says it. */
import { z } from "zod";
import type { RgbImage } from "../render/index.ts";
import { ModelError } from "./errors.ts";
import { resizeBicubic } from "./resize.ts";

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
 * Resized and cut, still bytes. Parts of the cut outside the picture are black.
 * @throws RangeError when the picture's bytes are not those of its size
 */
export function cropImage(image: RgbImage, { shortestEdge, crop }: Preprocessing): RgbImage {
  if (image.pixels.length !== image.width * image.height * 3) {
    throw new RangeError(
      `${image.pixels.length} bytes for ${image.width} × ${image.height} pixels of 3 bytes`,
    );
  }
  const resized = shortestEdge === undefined ? image : resizeShortestEdge(image, shortestEdge);
  const { width, height } = crop;
  // floor, as transformers does it; torchvision rounds and takes another column when the difference is 3 modulo 4.
  const left = Math.floor((resized.width - width) / 2);
  const top = Math.floor((resized.height - height) / 2);
  if (left === 0 && top === 0 && resized.width === width && resized.height === height)
    return resized;
  const cut = new Uint8Array(width * height * 3);
  const from = Math.max(0, left);
  const to = Math.min(resized.width, left + width);
  for (let y = Math.max(0, -top); y < Math.min(height, resized.height - top); y++) {
    const row = (y + top) * resized.width;
    cut.set(
      resized.pixels.subarray((row + from) * 3, (row + to) * 3),
      (y * width + from - left) * 3,
    );
  }
  return { width, height, pixels: cut };
}

/** Writes a picture's pixel values (channel, row, column) into `values` from `offset` on. */
export function writePixelValues(
  image: RgbImage,
  preprocessing: Preprocessing,
  values: Float32Array,
  offset: number,
): void {
  const { pixels: bytes, width, height } = cropImage(image, preprocessing);
  const { rescaleFactor, mean, std } = preprocessing;
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

function resizeShortestEdge(image: RgbImage, edge: number): RgbImage {
  const { width, height } = image;
  const long = Math.floor((edge * Math.max(width, height)) / Math.min(width, height));
  return width < height ? resizeBicubic(image, edge, long) : resizeBicubic(image, long, edge);
}
