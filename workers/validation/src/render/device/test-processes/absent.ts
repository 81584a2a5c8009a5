/** Says what the process says on a machine without a device. */
import type { DeviceAnswer } from "../messages.ts";

const failed: DeviceAnswer = { kind: "failed", code: "unavailable", message: "there is no device" };
process.send?.(failed);
