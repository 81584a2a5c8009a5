/** All views of an asset on one page. */
import { writeFile } from "node:fs/promises";
import { subnetAcceptance } from "@turntable/proto";
import type { RgbImage, View } from "../render/index.ts";
import { drawText, signHeight, textWidth } from "./font.ts";
import { paste } from "./paste.ts";
import { encodePng, shrink } from "./png.ts";

/** Edge of a view on the page, in pixels. */
const cellSize = 192;
const textScale = 2;
const lineHeight = (signHeight + 4) * textScale;
const line: Colour = [220, 220, 220];
const accepted: Colour = [0, 110, 40];
const notAccepted: Colour = [170, 20, 20];

type Colour = readonly [number, number, number];

/** A view's picture, and how well it fits the prompt once that is known. */
export interface SheetView {
  readonly view: Pick<View, "azimuthDeg" | "elevationDeg">;
  readonly image: RgbImage;
  /** 0 to 1 */
  readonly probability?: number;
}

/**
 * A PNG of the views in a grid; below each its azimuth and elevation, and its probability in per cent, green where the
 * subnet would take it and red where not.
 */
export async function encodeContactSheet(views: readonly SheetView[]): Promise<Uint8Array> {
  const isScored = views.some(({ probability }) => probability !== undefined);
  const columns = Math.ceil(Math.sqrt(views.length));
  const cellHeight = cellSize + lineHeight * (isScored ? 2 : 1);
  const width = columns * cellSize;
  const height = Math.ceil(views.length / columns) * cellHeight;
  const page: RgbImage = { width, height, pixels: new Uint8Array(width * height * 3).fill(255) };
  for (const [index, { view, image, probability }] of views.entries()) {
    const left = (index % columns) * cellSize;
    const top = Math.floor(index / columns) * cellHeight;
    paste(page, await shrink(image, cellSize, cellSize), left, top);
    const write = (text: string, row: number, colour?: Colour): void => {
      const indent = Math.floor((cellSize - textWidth(text) * textScale) / 2);
      const y = top + cellSize + row * lineHeight + textScale;
      drawText(page, text, left + indent, y, textScale, colour);
    };
    write(`az ${degrees(view.azimuthDeg)} el ${degrees(view.elevationDeg)}`, 0);
    if (probability !== undefined) {
      const colour = probability >= subnetAcceptance ? accepted : notAccepted;
      write(`${(probability * 100).toFixed(1)}%`, 1, colour);
    }
  }
  drawLines(page, cellHeight);
  return await encodePng(page);
}

/** Between the cells. */
function drawLines({ width, height, pixels }: RgbImage, cellHeight: number): void {
  for (let y = cellHeight - 1; y < height - 1; y += cellHeight) {
    for (let x = 0; x < width; x++) {
      pixels.set(line, (y * width + x) * 3);
    }
  }
  for (let x = cellSize - 1; x < width - 1; x += cellSize) {
    for (let y = 0; y < height; y++) {
      pixels.set(line, (y * width + x) * 3);
    }
  }
}

/** See `encodeContactSheet`. */
export async function writeContactSheet(file: string, views: readonly SheetView[]): Promise<void> {
  await writeFile(file, await encodeContactSheet(views));
}

function degrees(value: number): string {
  return `${Number(value.toFixed(1))}°`;
}
