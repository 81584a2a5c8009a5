/** Small pictures of an asset for people: one from the front, four around it, and the whole turn as a film. */
import sharp from "sharp";
import type { RgbImage, View } from "../render/index.ts";
import { paste } from "./paste.ts";
import { encodePng } from "./png.ts";

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
  return await encodePng(page);
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
