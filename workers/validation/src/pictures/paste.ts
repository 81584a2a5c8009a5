import type { RgbImage } from "../render/index.ts";

/** Copies a picture into a larger one. */
export function paste(page: RgbImage, image: RgbImage, left: number, top: number): void {
  for (let y = 0; y < image.height; y++) {
    const row = image.pixels.subarray(y * image.width * 3, (y + 1) * image.width * 3);
    page.pixels.set(row, ((top + y) * page.width + left) * 3);
  }
}
