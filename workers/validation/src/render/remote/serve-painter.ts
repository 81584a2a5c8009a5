/** The side of a process that draws. */
import { DeviceError } from "../../gpu/errors.ts";
import { serveOrders } from "../../gpu/serve-orders.ts";
import type { Camera } from "../camera.ts";
import type { RgbImage } from "../image.ts";
import type { Scene } from "../scene.ts";
import type { DrawRequest } from "./draw-request.ts";

/** One device, one scene at a time. */
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

/** @param open is given a function to call when the device fails between orders */
export function servePainter(
  open: (onFailure: (error: DeviceError) => void) => Painter | Promise<Painter>,
): Promise<void> {
  return serveOrders({
    async open(onFailure) {
      const painter = await open(onFailure);
      return {
        ready: painter.device,
        async carryOut(request: DrawRequest): Promise<RgbImage | undefined> {
          if (request.kind === "view") {
            return painter.paint(request.camera, request.background);
          }
          await painter.setScene(request.scene);
          return undefined;
        },
      };
    },
    codeOf: (error) =>
      error instanceof DeviceError && error.code === "too-large" ? error.code : undefined,
  });
}
