/** Takes orders as the process does, and answers none. */
import type { DeviceAnswer } from "../messages.ts";

process.on("message", () => {});
const ready: DeviceAnswer = { kind: "ready", device: "a stone" };
process.send?.(ready);
