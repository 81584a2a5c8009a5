import type { RgbImage } from "@turntable/validation";
import sharp from "sharp";

/** Pictures of one size in a grid, row by row. */
export async function encodeSheet(
  images: readonly RgbImage[],
  columns: number,
  format: "png" | "webp",
): Promise<Uint8Array> {
  const [first] = images;
  if (first === undefined) {
    throw new RangeError("a sheet needs a picture");
  }
  const width = first.width * columns;
  const height = first.height * Math.ceil(images.length / columns);
  const pixels = new Uint8Array(width * height * 3).fill(255);
  for (const [index, image] of images.entries()) {
    const left = (index % columns) * first.width;
    const top = Math.floor(index / columns) * first.height;
    for (let y = 0; y < image.height; y++) {
      const row = image.pixels.subarray(y * image.width * 3, (y + 1) * image.width * 3);
      pixels.set(row, ((top + y) * width + left) * 3);
    }
  }
  const page = sharp(pixels, { raw: { width, height, channels: 3 } });
  return await (format === "png" ? page.png() : page.webp({ quality: 80 })).toBuffer();
}
