/**
 * The side of the process that draws: one device, one scene at a time. Programs import this and ./errors.ts directly:
 * the folder's index brings what only their parents need, and each start would wait for it.
 */
import type { Camera } from "../camera.ts";
import type { RgbImage } from "../image.ts";
import type { Scene } from "../scene.ts";
import { DeviceError } from "./errors.ts";
import type { DeviceAnswer, DeviceOrder } from "./messages.ts";

export interface Painter {
  /** The device as its driver names it. */
  readonly device: string;
  /**
   * Replaces the scene of the views that follow; not called while any is drawn.
   * @throws DeviceError `too-large` when the device cannot hold it
   */
  setScene(scene: Scene): void | Promise<void>;
  /** @throws DeviceError when there is no picture to be trusted */
  paint(
    camera: Camera,
    background: readonly [number, number, number],
  ): RgbImage | Promise<RgbImage>;
}

/**
 * Answers the orders of the process that forked this one.
 * @param open is given a function to call when the device fails between orders
 */
export async function serveOrders(
  open: (onFailure: (error: DeviceError) => void) => Painter | Promise<Painter>,
): Promise<void> {
  const fail = (error: unknown): void => {
    const code = error instanceof DeviceError ? error.code : "lost";
    const message = error instanceof Error ? error.message : String(error);
    answer({ kind: "failed", code, message });
  };
  try {
    const painter = await open(fail);
    process.on("message", (order: DeviceOrder) => {
      carryOut(order, painter).then(answer, fail);
    });
    answer({ kind: "ready", device: painter.device });
  } catch (error) {
    fail(error);
  }
}

function answer(message: DeviceAnswer): void {
  process.send?.(message);
}

async function carryOut(order: DeviceOrder, painter: Painter): Promise<DeviceAnswer> {
  const { id } = order;
  try {
    if (order.kind === "view") {
      return { kind: "view", id, image: await painter.paint(order.camera, order.background) };
    }
    await painter.setScene(order.scene);
    return { kind: "scene", id };
  } catch (error) {
    if (!(error instanceof DeviceError) || error.code !== "too-large") throw error;
    return { kind: "tooLarge", id, message: error.message };
  }
}
