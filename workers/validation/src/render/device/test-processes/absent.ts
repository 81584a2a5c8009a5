/** Says what a process says on a machine without a device. */
import { DeviceError } from "../../../device/errors.ts";
import { servePainter } from "../serve.ts";

await servePainter(() => {
  throw new DeviceError("unavailable", "there is no device");
});
