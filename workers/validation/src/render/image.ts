/** A picture: width × height pixels, 3 bytes (r, g, b) each, row by row from the top left. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/**
 * Peak signal-to-noise ratio of two pictures in dB, 99 when they are equal.
 * @throws RangeError when their sizes differ
 */
export function psnr(a: RgbImage, b: RgbImage): number {
  if (a.width !== b.width || a.height !== b.height) {
    throw new RangeError(`${a.width}×${a.height} against ${b.width}×${b.height} pixels`);
  }
  let sum = 0;
  for (let i = 0; i < a.pixels.length; i++) {
    const difference = ((a.pixels[i] ?? 0) - (b.pixels[i] ?? 0)) / 255;
    sum += difference * difference;
  }
  return sum === 0 ? 99 : -10 * Math.log10(sum / a.pixels.length);
}
