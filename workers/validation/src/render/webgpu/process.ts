/** The process that draws for the `webgpu` backend; its argument is `OpenOptions` as JSON. */
import { serveOrders } from "../device/serve.ts";
import { type OpenDevice, openDevice, watchDevice } from "./open-device.ts";
import { createPainter } from "./painter.ts";

/** Not collected while the process runs: the library would take it down. */
let open: OpenDevice;

await serveOrders(async (onFailure) => {
  open = await openDevice(JSON.parse(process.argv[2] ?? "{}"));
  watchDevice(open, onFailure);
  return createPainter(open);
});
