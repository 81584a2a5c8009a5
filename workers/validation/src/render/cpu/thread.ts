/** One thread of the pool. */
import { parentPort } from "node:worker_threads";
import type { RenderedView, RenderOrder } from "./pool.ts";
import { createRasteriser } from "./rasteriser.ts";

if (parentPort === null) throw new Error("this module runs in a worker thread");
const port = parentPort;
const rasteriser = createRasteriser();

port.on("message", ({ index, scene, camera, background }: RenderOrder) => {
  const image = rasteriser.render(scene, camera, background);
  const view: RenderedView = { index, image };
  const { buffer } = image.pixels;
  port.postMessage(view, buffer instanceof ArrayBuffer ? [buffer] : []);
});
