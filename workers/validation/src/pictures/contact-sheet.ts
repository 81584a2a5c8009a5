/** All views of an asset on one page. */
import { writeFile } from "node:fs/promises";
import type { RgbImage, View } from "../render/index.ts";
import { drawText, signHeight } from "./font.ts";
import { paste } from "./paste.ts";
import { encodePng, shrink } from "./png.ts";

/** Edge of a view on the page, in pixels. */
const cellSize = 192;
const textScale = 2;
const labelHeight = (signHeight + 4) * textScale;

/** A view's picture, and how well it fits the prompt once that is known. */
export interface SheetView {
  readonly view: Pick<View, "azimuthDeg" | "elevationDeg">;
  readonly image: RgbImage;
  /** 0 to 1 */
  readonly probability?: number;
}

/** A PNG of the views in a grid; below each its azimuth and elevation, and its probability in per cent. */
export async function encodeContactSheet(views: readonly SheetView[]): Promise<Uint8Array> {
  const columns = Math.ceil(Math.sqrt(views.length));
  const width = columns * cellSize;
  const height = Math.ceil(views.length / columns) * (cellSize + labelHeight);
  const page: RgbImage = { width, height, pixels: new Uint8Array(width * height * 3).fill(255) };
  for (const [index, view] of views.entries()) {
    const left = (index % columns) * cellSize;
    const top = Math.floor(index / columns) * (cellSize + labelHeight);
    paste(page, await shrink(view.image, cellSize, cellSize), left, top);
    drawText(page, label(view), left + textScale, top + cellSize + textScale, textScale);
  }
  return await encodePng(page);
}

/** See `encodeContactSheet`. */
export async function writeContactSheet(file: string, views: readonly SheetView[]): Promise<void> {
  await writeFile(file, await encodeContactSheet(views));
}

function label({ view, probability }: SheetView): string {
  const angles = `${degrees(view.azimuthDeg)} ${degrees(view.elevationDeg)}`;
  return probability === undefined ? angles : `${angles} ${(probability * 100).toFixed(1)}%`;
}

function degrees(value: number): string {
  return `${Number(value.toFixed(1))}°`;
}
