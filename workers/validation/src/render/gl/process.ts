/** The process that draws: one context, one scene at a time, orders in their order. */
import type { Camera } from "../camera.ts";
import type { RgbImage } from "../image.ts";
import type { Scene } from "../scene.ts";
import { createContext } from "./context.ts";
import { GlError, type GlErrorCode } from "./errors.ts";
import { createPainter, type Painter } from "./painter.ts";

/** What the process is asked for. */
export type GlRequest =
  | { readonly kind: "scene"; readonly scene: Scene }
  | {
      readonly kind: "view";
      readonly camera: Camera;
      readonly background: readonly [number, number, number];
    };

export type GlOrder = GlRequest & { readonly id: number };

/** `ready` once, first; then one answer an order. */
export type GlAnswer =
  | { readonly kind: "ready"; readonly device: string }
  | { readonly kind: "scene"; readonly id: number }
  | { readonly kind: "view"; readonly id: number; readonly image: RgbImage }
  /** The process is of no more use. */
  | { readonly kind: "failed"; readonly code: GlErrorCode; readonly message: string };

const answer = (message: GlAnswer): void => {
  process.send?.(message);
};

function start(): void {
  const { gl, device } = createContext();
  const painter = createPainter(gl);
  process.on("message", (order: GlOrder) => guarded(() => answer(carryOut(order, painter))));
  answer({ kind: "ready", device });
}

function carryOut(order: GlOrder, painter: Painter): GlAnswer {
  if (order.kind === "scene") {
    painter.setScene(order.scene);
    return { kind: "scene", id: order.id };
  }
  const image = painter.paint(order.camera, order.background);
  return { kind: "view", id: order.id, image };
}

function guarded(action: () => void): void {
  try {
    action();
  } catch (error) {
    const code = error instanceof GlError ? error.code : "lost";
    answer({
      kind: "failed",
      code,
      message: error instanceof Error ? error.message : String(error),
    });
  }
}

guarded(start);
