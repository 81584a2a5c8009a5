/** What the worker and a process that draws for it say to each other. */
import type { Camera } from "../camera.ts";
import type { RgbImage } from "../image.ts";
import type { Scene } from "../scene.ts";
import type { DeviceErrorCode } from "./errors.ts";

/** What the process is asked for. */
export type DeviceRequest =
  | { readonly kind: "scene"; readonly scene: Scene }
  | {
      readonly kind: "view";
      readonly camera: Camera;
      readonly background: readonly [number, number, number];
    };

export type DeviceOrder = DeviceRequest & { readonly id: number };

/** `ready` once, first; then one answer an order. */
export type DeviceAnswer =
  | { readonly kind: "ready"; readonly device: string }
  | { readonly kind: "scene"; readonly id: number }
  | { readonly kind: "view"; readonly id: number; readonly image: RgbImage }
  /** This scene is too large; others are welcome. */
  | { readonly kind: "tooLarge"; readonly id: number; readonly message: string }
  /** The process is of no more use. */
  | { readonly kind: "failed"; readonly code: DeviceErrorCode; readonly message: string };
