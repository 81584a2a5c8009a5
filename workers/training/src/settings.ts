/** What making pictures, texts and the model's directory have in common; data.py and towers.py say it again. */
import { fileURLToPath } from "node:url";
import type { Quality } from "@turntable/generation";
import type { Scene } from "@turntable/generation/grammar";

/** Seeds everything that training draws by chance, so that it can be repeated. */
export const seed = 17;
export const viewsOfScene = 6;
/** Where what training needs is kept; about 75 kB a scene. */
export const cacheDir = fileURLToPath(new URL("../../../.cache/model/", import.meta.url));
/** Where the committed model is. */
export const smallDir = fileURLToPath(
  new URL("../../../resources/models/turntable-small", import.meta.url),
);

/**
 * How a picture is made ready for the model. All that the engine makes stays within 0.87 of the picture's half, so the
 * edge is cut off: that shows things a seventh larger.
 */
export const preparation = {
  resize: { shortestEdge: 73 },
  crop: { width: 64, height: 64 },
  rescaleFactor: 1 / 255,
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
} as const;

/** A line of `scenes-*.jsonl`: what is shown, and how well; no scene when nothing could be named. */
export interface TrainingScene {
  readonly quality: Quality | "blank";
  readonly shown: Scene | null;
}
