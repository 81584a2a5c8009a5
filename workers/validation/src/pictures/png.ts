import { writeFile } from "node:fs/promises";
import sharp, { type Sharp } from "sharp";
import type { RgbImage } from "../render/index.ts";

export async function encodePng(image: RgbImage): Promise<Uint8Array> {
  return await raw(image).png().toBuffer();
}

export async function writePng(file: string, image: RgbImage): Promise<void> {
  await writeFile(file, await encodePng(image));
}

/** Width × height by averaging; for smaller copies. */
export async function shrink(image: RgbImage, width: number, height: number): Promise<RgbImage> {
  if (image.width === width && image.height === height) return image;
  const pixels = await raw(image).resize(width, height, { fit: "fill" }).raw().toBuffer();
  return { width, height, pixels };
}

function raw({ width, height, pixels }: RgbImage): Sharp {
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}
