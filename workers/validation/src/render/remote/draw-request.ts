/** What is said to a process that draws. */
import type { Camera } from "../camera.ts";
import type { Scene } from "../scene.ts";

/** A view is answered with its picture. */
export type DrawRequest =
  | { readonly kind: "scene"; readonly scene: Scene }
  | {
      readonly kind: "view";
      readonly camera: Camera;
      readonly background: readonly [number, number, number];
    };
