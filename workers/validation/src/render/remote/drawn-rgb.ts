import { DeviceError } from "../../gpu/errors.ts";

/**
 * Drops alpha, which is 255 in every pixel that was drawn.
 * @throws DeviceError `wrong-pictures` for a pixel that was not
 */
export function drawnRgb(rgba: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    if (rgba[from + 3] !== 255) {
      throw new DeviceError("wrong-pictures", `pixel ${from / 4} was not drawn, or is no number`);
    }
    rgb[to] = rgba[from] ?? 0;
    rgb[to + 1] = rgba[from + 1] ?? 0;
    rgb[to + 2] = rgba[from + 2] ?? 0;
  }
  return rgb;
}
