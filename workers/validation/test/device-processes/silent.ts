/** Takes orders, and answers none. */
import { servePainter } from "../../src/render/remote/serve-painter.ts";

await servePainter(() => ({
  device: "a stone",
  setScene: () => new Promise(() => {}),
  paint: () => new Promise(() => {}),
}));
