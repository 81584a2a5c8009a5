/** Speaks as the process does, and draws nothing. */
import type { DeviceAnswer, DeviceOrder } from "../messages.ts";

const answer = (message: DeviceAnswer): void => {
  process.send?.(message);
};

process.on("message", (order: DeviceOrder) => {
  if (order.kind === "scene") return answer({ kind: "scene", id: order.id });
  const { size } = order.camera;
  const image = { width: size, height: size, pixels: new Uint8Array(size * size * 3) };
  answer({ kind: "view", id: order.id, image });
});
answer({ kind: "ready", device: "a black hole" });
