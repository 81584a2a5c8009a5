/** Draws until its pictures have been checked, and loses its device then. */

import { openDevice, watchDevice } from "../../src/gpu/open-device.ts";
import { servePainter } from "../../src/render/remote/serve-painter.ts";
import { createPainter } from "../../src/render/webgpu/painter.ts";

/** Pictures of the check. */
const good = 3;

await servePainter(async (onFailure) => {
  const open = await openDevice({ allowSoftware: true });
  watchDevice(open, onFailure);
  const painter = createPainter(open);
  let painted = 0;
  return {
    ...painter,
    paint(camera, background) {
      painted += 1;
      if (painted > good) {
        open.device.destroy();
      }
      return painter.paint(camera, background);
    },
  };
});
