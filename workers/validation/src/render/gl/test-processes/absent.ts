/** Says what the gl process says on a machine without a device. */
import type { GlAnswer } from "../process.ts";

const failed: GlAnswer = { kind: "failed", code: "unavailable", message: "gl finds no device" };
process.send?.(failed);
