/** Takes orders as the gl process does, and answers none. */
import type { GlAnswer } from "../process.ts";

process.on("message", () => {});
const ready: GlAnswer = { kind: "ready", device: "a stone" };
process.send?.(ready);
