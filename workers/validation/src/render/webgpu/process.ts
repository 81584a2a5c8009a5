/** The process that draws for the `webgpu` backend; its argument is `OpenOptions` as JSON. */
import { servePainter } from "../device/serve.ts";
import { openDevice, watchDevice } from "./open-device.ts";
import { createPainter } from "./painter.ts";

await servePainter(async (onFailure) => {
  const open = await openDevice(JSON.parse(process.argv[2] ?? "{}"));
  watchDevice(open, onFailure);
  return createPainter(open);
});
