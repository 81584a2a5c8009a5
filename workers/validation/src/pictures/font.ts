/**
 * A bitmap font of a few signs, so that labels look the same on machines without any fonts installed.
 * Each sign is 5 × 7 dots, one row a number, the leftmost dot in bit 4.
 */
import type { RgbImage } from "../render/index.ts";

const signs: Readonly<Record<string, readonly number[]>> = {
  "0": [0x0e, 0x11, 0x13, 0x15, 0x19, 0x11, 0x0e],
  "1": [0x04, 0x0c, 0x04, 0x04, 0x04, 0x04, 0x0e],
  "2": [0x0e, 0x11, 0x01, 0x06, 0x08, 0x10, 0x1f],
  "3": [0x0e, 0x11, 0x01, 0x06, 0x01, 0x11, 0x0e],
  "4": [0x02, 0x06, 0x0a, 0x12, 0x1f, 0x02, 0x02],
  "5": [0x1f, 0x10, 0x1e, 0x01, 0x01, 0x11, 0x0e],
  "6": [0x06, 0x08, 0x10, 0x1e, 0x11, 0x11, 0x0e],
  "7": [0x1f, 0x01, 0x02, 0x04, 0x08, 0x08, 0x08],
  "8": [0x0e, 0x11, 0x11, 0x0e, 0x11, 0x11, 0x0e],
  "9": [0x0e, 0x11, 0x11, 0x0f, 0x01, 0x02, 0x0c],
  ".": [0, 0, 0, 0, 0, 0x0c, 0x0c],
  "-": [0, 0, 0, 0x1f, 0, 0, 0],
  "+": [0, 0x04, 0x04, 0x1f, 0x04, 0x04, 0],
  "%": [0x18, 0x19, 0x02, 0x04, 0x08, 0x13, 0x03],
  "°": [0x0c, 0x12, 0x12, 0x0c, 0, 0, 0],
  a: [0, 0, 0x0e, 0x01, 0x0f, 0x11, 0x0f],
  e: [0, 0, 0x0e, 0x11, 0x1f, 0x10, 0x0e],
  l: [0x0c, 0x04, 0x04, 0x04, 0x04, 0x04, 0x0e],
  z: [0, 0, 0x1f, 0x02, 0x04, 0x08, 0x1f],
  " ": [0, 0, 0, 0, 0, 0, 0],
};
const signWidth = 5;
export const signHeight = 7;

/** In dots. */
export function textWidth(text: string): number {
  return [...text].length * (signWidth + 1) - 1;
}

/**
 * Draws from (left, top) on; what does not fit is cut off. Signs the font lacks become blanks.
 * @param scale pixels a dot
 */
export function drawText(
  image: RgbImage,
  text: string,
  left: number,
  top: number,
  scale: number,
  colour: readonly [number, number, number] = [0, 0, 0],
): void {
  [...text].forEach((sign, index) => {
    const rows = signs[sign] ?? [];
    const signLeft = left + index * (signWidth + 1) * scale;
    for (let y = 0; y < rows.length * scale; y++) {
      const row = rows[Math.floor(y / scale)] ?? 0;
      for (let x = 0; x < signWidth * scale; x++) {
        const isDot = ((row >> (signWidth - 1 - Math.floor(x / scale))) & 1) === 1;
        if (!isDot || signLeft + x >= image.width || top + y >= image.height) {
          continue;
        }
        const at = ((top + y) * image.width + signLeft + x) * 3;
        image.pixels.set(colour, at);
      }
    }
  });
}
