/** Small pictures of an asset for people: one from the front, four around it, and the whole turn as a film. */
import sharp from "sharp";
import type { RgbImage, View } from "../render/index.ts";
import { paste } from "./paste.ts";
import { encodeJpeg, encodePng, shrink } from "./png.ts";

/** Slightly from above, as one looks at a thing on a table; degrees. */
const elevationDeg = -15;
const radius = 2.5;
/** The frames of the film, which is one turn in 3.6 seconds. */
const framesInTurn = 36;
const frameMs = 100;
const webpQuality = 80;

export const frontView: View = { azimuthDeg: 0, elevationDeg, radius };
/** Front, right, back and left. */
export const gridViews: readonly View[] = around(4);
/** Every ten degrees. */
export const turntableViews: readonly View[] = around(framesInTurn);

function around(count: number): readonly View[] {
  return Array.from({ length: count }, (_, index) => ({
    azimuthDeg: (360 / count) * index,
    elevationDeg,
    radius,
  }));
}

/** A PNG of pictures of one size, two in a row. */
export async function encodeGrid(images: readonly RgbImage[]): Promise<Uint8Array> {
  return await encodePng(gridOf(images));
}

/**
 * A JPEG of four views a quarter turn apart, two in a row.
 * @param turn pictures of one size all around, in order
 * @param px side of each view; what is smaller already is not enlarged
 */
export async function encodeQuarters(turn: readonly RgbImage[], px: number): Promise<Uint8Array> {
  const quarters = [0, 1, 2, 3].flatMap((n) => turn[Math.floor((n * turn.length) / 4)] ?? []);
  const small = quarters.map((image) =>
    shrink(image, Math.min(px, image.width), Math.min(px, image.height)),
  );
  return await encodeJpeg(gridOf(await Promise.all(small)));
}

function gridOf(images: readonly RgbImage[]): RgbImage {
  const [{ width, height } = { width: 1, height: 1 }] = images;
  const rows = Math.ceil(images.length / 2);
  const page: RgbImage = {
    width: width * 2,
    height: height * rows,
    pixels: new Uint8Array(width * height * rows * 6).fill(255),
  };
  for (const [index, image] of images.entries()) {
    paste(page, image, (index % 2) * width, Math.floor(index / 2) * height);
  }
  return page;
}

/** An animated WebP that never ends, of pictures of one size. */
export async function encodeTurntable(images: readonly RgbImage[]): Promise<Uint8Array> {
  const [{ width, height } = { width: 1, height: 1 }] = images;
  // Frames are handed over as one tall picture.
  const frames = Buffer.concat(images.map((image) => image.pixels));
  return await sharp(frames, {
    raw: { width, height: height * images.length, channels: 3, pageHeight: height },
  })
    .webp({ loop: 0, delay: images.map(() => frameMs), quality: webpQuality })
    .toBuffer();
}
