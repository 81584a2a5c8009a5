import { readFile, writeFile } from "node:fs/promises";
import sharp, { type Sharp } from "sharp";
import type { RgbImage } from "../render/index.ts";

/** A file is not a PNG picture, or too large a one. */
export class PictureError extends Error {
  override name = "PictureError";
  readonly code = "picture";
}

/** The most pixels of a picture that is read; more than any profile renders. */
const maxReadPixels = 8192 * 8192;
const jpegQuality = 85;

/**
 * Red, green and blue as they are stored: alpha is dropped, not blended.
 * @throws PictureError, or Node's own error when the file cannot be read
 */
export async function readPng(file: string): Promise<RgbImage> {
  const bytes = await readFile(file);
  try {
    const { data, info } = await sharp(bytes, { limitInputPixels: maxReadPixels, failOn: "error" })
      .removeAlpha()
      .toColourspace("srgb")
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, pixels: new Uint8Array(data) };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PictureError(`${file} is no picture that can be read: ${why}`, { cause });
  }
}

export async function encodePng(image: RgbImage): Promise<Uint8Array> {
  return await raw(image).png().toBuffer();
}

/** With losses, to about a tenth of a PNG's size. */
export async function encodeJpeg(image: RgbImage): Promise<Uint8Array> {
  return await raw(image).jpeg({ quality: jpegQuality }).toBuffer();
}

export async function writePng(file: string, image: RgbImage): Promise<void> {
  await writeFile(file, await encodePng(image));
}

/** Width × height by averaging; for smaller copies. */
export async function shrink(image: RgbImage, width: number, height: number): Promise<RgbImage> {
  if (image.width === width && image.height === height) {
    return image;
  }
  const pixels = await raw(image).resize(width, height, { fit: "fill" }).raw().toBuffer();
  return { width, height, pixels };
}

function raw({ width, height, pixels }: RgbImage): Sharp {
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}
