/** Says what a process says on a machine without a device. */
import { DeviceError } from "../../src/gpu/errors.ts";
import { servePainter } from "../../src/render/remote/serve-painter.ts";

await servePainter(() => {
  throw new DeviceError("unavailable", "there is no device");
});
