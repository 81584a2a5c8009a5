/** The process that draws for the `webgpu` backend; its argument is `OpenOptions` as JSON. */

import { openDevice, watchDevice } from "../../gpu/open-device.ts";
import { servePainter } from "../remote/serve-painter.ts";
import { createPainter } from "./painter.ts";

await servePainter(async (onFailure) => {
  const open = await openDevice(JSON.parse(process.argv[2] ?? "{}"));
  watchDevice(open, onFailure);
  return createPainter(open);
});
