/**
 * A viewer in an element of a page. It is there at once, says what it waits for, and shows the asset when it is decoded;
 * what it is told before that holds then.
 */
import { type Asset, openAsset } from "./asset.ts";
import {
  firstCamera,
  freed,
  type Surroundings,
  stageCameraOf,
  surroundingsOf,
  turned,
  zoomed,
} from "./camera.ts";
import type { Background, MountViewer, ViewerCamera, ViewerOptions } from "./contract.ts";
import { createMotion } from "./motion.ts";
import { openStage, withoutGpu } from "./open-stage.ts";
import { attachOrbit } from "./orbit.ts";
import { createPanel } from "./panel.ts";
import { scoringRuleOf } from "./scoring-rule.ts";
import type { Rgb, Stage } from "./stage.ts";
import "./viewer.css";

/** More pixels than that cost time and show no more. */
const mostPixels = 2048;

export const mountViewer: MountViewer = (place, options) => {
  const { caption, cameras = [] } = options;
  const rule = scoringRuleOf(options.profile);
  const left = new AbortController();
  const listeners = new Set<(camera: ViewerCamera) => void>();
  let shown: { readonly asset: Asset; stage: Stage; readonly around: Surroundings } | undefined;
  let camera: ViewerCamera | undefined;
  let background: Background = options.background ?? "scored";
  const canStep = cameras.length > 0;

  const colourOf = (of: Background): Rgb | undefined => {
    const colours = { scored: rule.background, white: [1, 1, 1], black: [0, 0, 0] } as const;
    return of === "checker" ? undefined : colours[of];
  };
  const look = (to: ViewerCamera): void => {
    camera = to;
    panel.showCamera(to);
    if (shown !== undefined) {
      shown.stage.look(stageCameraOf(to, shown.around));
    }
  };
  const choose = (to: ViewerCamera): void => {
    look(to);
    for (const listener of listeners) {
      listener(to);
    }
  };
  const step = (by: number): void => {
    const at = camera?.kind === "scored" ? camera.view + by : 0;
    choose({ kind: "scored", view: (at + cameras.length) % cameras.length });
  };
  /** What a person does with the picture ends what moves by itself. */
  const move = (change: (around: Surroundings, from: ViewerCamera) => ViewerCamera): void => {
    motion.rest();
    if (shown !== undefined && camera !== undefined) {
      choose(change(shown.around, camera));
    }
  };
  const setBackground = (to: Background): void => {
    background = to;
    panel.showBackground(to);
    shown?.stage.setBackground(colourOf(to));
  };
  const play = (): void => (motion.isPlaying ? motion.rest() : motion.play());
  const panel = createPanel(caption, cameras, {
    step: (by) => {
      motion.rest();
      step(by);
    },
    choose: (view) => {
      motion.rest();
      choose({ kind: "scored", view });
    },
    play,
    free: () => move(firstCamera),
    background: setBackground,
    save: () => void save(),
  });
  const motion = createMotion(panel.root, {
    turn: (degrees) => {
      if (shown !== undefined && camera !== undefined) {
        look(turned(freed(camera, shown.around), degrees, 0));
      }
    },
    step: () => step(1),
    onPlaying: panel.showPlaying,
  });
  const actions = {
    turn: (azimuth: number, elevation: number) =>
      move((around, from) => turned(freed(from, around), azimuth, elevation)),
    zoom: (factor: number) => move((around, from) => zoomed(freed(from, around), factor, around)),
    key: (key: string): boolean => {
      if (!canStep || ![",", ".", " "].includes(key)) {
        return false;
      }
      if (key === " ") {
        play();
      } else {
        motion.rest();
        step(key === "," ? -1 : 1);
      }
      return true;
    },
  };
  const save = async (): Promise<void> => {
    if (shown === undefined || camera === undefined) {
      return;
    }
    motion.rest();
    const from = stageCameraOf(camera, shown.around);
    try {
      await download(await shown.stage.picture(from, rule.size), `${fileNameOf(caption)}.png`);
    } catch (error) {
      fail(error);
    }
  };
  const fail = (error: unknown): void => {
    if (!left.signal.aborted) {
      motion.rest();
      panel.showMessage(error instanceof Error ? error.message : String(error), true);
    }
  };
  const fit = (): void => {
    const scale = Math.min(devicePixelRatio, mostPixels / Math.max(1, panel.canvas.clientWidth));
    const [width, height] = [panel.canvas.clientWidth, panel.canvas.clientHeight];
    shown?.stage.resize(
      Math.max(1, Math.round(width * scale)),
      Math.max(1, Math.round(height * scale)),
    );
  };
  const resized = new ResizeObserver(fit);

  const show = async (): Promise<void> => {
    const { signal } = left;
    const bytes = await bytesOf(options, signal);
    panel.showMessage("Decoding the asset …");
    const asset = await openAsset(bytes, caption, signal);
    signal.addEventListener("abort", () => asset[Symbol.dispose](), { once: true });
    panel.showMessage("Making it ready to be looked at …");
    const around = surroundingsOf(rule, cameras, asset.facts);
    const appear = (stage: Stage): void => {
      shown = { asset, stage, around };
      attachOrbit(panel.canvas, actions, signal);
      fit();
      setBackground(background);
      const from = camera ?? firstCamera(around);
      look(from);
      // What was drawn once is sorted: until then the place would be empty.
      stage.picture(stageCameraOf(from, around), 1).then(
        () => {
          if (shown?.stage === stage) {
            panel.showFacts(asset.facts, stage.drawnBy);
            panel.showMessage(undefined);
          }
        },
        (error: unknown) => {
          if (shown?.stage === stage) {
            fail(error);
          }
        },
      );
    };
    const onLost = (): void => {
      shown?.stage[Symbol.dispose]();
      appear(withoutGpu(stageOptions));
    };
    const stageOptions = { panel, asset, rule, signal, onLost, onFailed: fail };
    const isFirst = camera === undefined;
    const stage = await openStage(stageOptions);
    if (signal.aborted) {
      stage[Symbol.dispose]();
      return;
    }
    appear(stage);
    if (isFirst && camera?.kind === "free") {
      motion.turn();
    }
  };

  place.append(panel.root);
  panel.showBackground(background);
  panel.showMessage("Fetching the asset …");
  resized.observe(panel.picture);
  show().catch(fail);
  return {
    setCamera(to) {
      motion.rest();
      look(to);
    },
    onCamera(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async picture(size) {
      if (shown === undefined || camera === undefined) {
        throw new Error("nothing is shown yet");
      }
      return await shown.stage.picture(stageCameraOf(camera, shown.around), size);
    },
    [Symbol.dispose]() {
      left.abort(new DOMException("The viewer has left the page.", "AbortError"));
      resized.disconnect();
      motion[Symbol.dispose]();
      shown?.stage[Symbol.dispose]();
      shown = undefined;
      listeners.clear();
      panel.root.remove();
    },
  };
};

async function bytesOf({ source }: ViewerOptions, signal: AbortSignal): Promise<Uint8Array> {
  return typeof source === "function" ? await source(signal) : source;
}

/** Prompts are text of strangers. */
function fileNameOf(caption: string): string {
  return caption.replaceAll(/[^\p{L}\p{N}]+/gu, "-").slice(0, 60) || "asset";
}

async function download(picture: ImageData, name: string): Promise<void> {
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  canvas.getContext("2d")?.putImageData(picture, 0, 0);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await canvas.convertToBlob({ type: "image/png" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
