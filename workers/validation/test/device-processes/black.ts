/** Draws nothing. */
import { servePainter } from "../../src/render/remote/serve-painter.ts";

await servePainter(() => ({
  device: "a black hole",
  setScene() {},
  paint: ({ size }) => ({ width: size, height: size, pixels: new Uint8Array(size * size * 3) }),
}));
