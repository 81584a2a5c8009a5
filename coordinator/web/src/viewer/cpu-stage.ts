/** Splats without a GPU: each view by the rasteriser that scores, in the asset's worker. */
import type { Asset } from "./asset.ts";
import type { ScoringRule } from "./scoring-rule.ts";
import type { Rgb, Stage, StageCamera } from "./stage.ts";

/** A view of this many pixels an edge takes a tenth of a second; the page makes it as large as it likes. */
const mostPixels = 384;
const white: Rgb = [1, 1, 1];

/** @param onFailed called when the worker cannot draw */
export function createCpuStage(
  canvas: HTMLCanvasElement,
  asset: Asset,
  rule: ScoringRule,
  onFailed: (error: unknown) => void,
): Stage {
  const context = canvas.getContext("2d");
  let [background, edge, isDrawing, isDisposed] = [white, mostPixels, false, false];
  let wanted: StageCamera | undefined;
  let shown: StageCamera | undefined;

  const draw = (camera: StageCamera, size: number): Promise<ImageData> =>
    asset.draw({ ...camera, size, background, rule });

  const next = async (): Promise<void> => {
    isDrawing = true;
    while (wanted !== undefined && !isDisposed) {
      const camera = wanted;
      wanted = undefined;
      const picture = await draw(camera, edge);
      if (!isDisposed) {
        canvas.width = edge;
        canvas.height = edge;
        context?.putImageData(picture, 0, 0);
      }
    }
    isDrawing = false;
  };
  const look = (camera: StageCamera): void => {
    shown = camera;
    wanted = camera;
    if (!isDrawing) {
      next().catch((error: unknown) => {
        isDrawing = false;
        if (!isDisposed) {
          onFailed(error);
        }
      });
    }
  };
  const again = (): void => {
    if (shown !== undefined) {
      look(shown);
    }
  };
  return {
    drawnBy: "the rasteriser that scores (this browser gives no WebGL 2)",
    look,
    resize(width, height) {
      edge = Math.max(1, Math.min(mostPixels, width, height));
      again();
    },
    setBackground(to) {
      background = to ?? white;
      again();
    },
    picture: draw,
    [Symbol.dispose]() {
      isDisposed = true;
    },
  };
}
