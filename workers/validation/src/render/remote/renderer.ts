/**
 * A renderer whose pictures are drawn in a process of its own, since a driver may take its process down, or hang.
 *
 * D1 A process draws for jobs only after its pictures of a built-in scene agreed with the float64 rasteriser's.
 * D2 When it fails, the render in work rejects with DeviceError, and the next one starts another process. Nothing is
 *    tried again in silence: who takes jobs counts failures and gives up.
 */
import {
  type DeviceChild,
  DeviceError,
  type DeviceErrorCode,
  type Environment,
  startDeviceChild,
} from "../../gpu/index.ts";
import type { Camera } from "../camera.ts";
import type { RgbImage } from "../image.ts";
import type { Renderer } from "../renderer.ts";
import type { Scene } from "../scene.ts";
import { checkBackend, exactDb, smallTest } from "../self-test.ts";
import type { DrawRequest } from "./draw-request.ts";

export interface DeviceRenderer extends Renderer {
  /** The device as its driver names it. */
  readonly device: string;
  /** The id of the process that draws; another after a failure. */
  readonly pid: number;
}

export interface DeviceBackend {
  /** Its name. */
  readonly backend: string;
  /** The module that draws, what it is told, and all its environment. */
  readonly program: URL;
  readonly argv?: readonly string[];
  readonly env: Environment;
  /** Agreement with the float64 rasteriser below which it is not used, in dB; D1. */
  readonly leastDb: number;
  /** Views asked for at a time, so that the device draws while pictures are on their way. */
  readonly inFlight: number;
}

/** @throws DeviceError `unavailable` when the machine has nothing to draw with, `wrong-pictures` by D1 */
export async function startDeviceRenderer(
  backend: DeviceBackend,
  timeoutMs = 60_000,
): Promise<DeviceRenderer> {
  const start = () => startChecked({ ...backend, timeoutMs });
  let current = await start();
  return {
    backend: backend.backend,
    get approximate() {
      return current.psnrDb < exactDb;
    },
    get device() {
      return current.child.ready;
    },
    get pid() {
      return current.child.pid;
    },
    async render(scene, cameras, background, renderOptions = {}) {
      if (current.child.ended() !== undefined) {
        current = await start();
      }
      const draw = drawWith(current.child, backend.inFlight);
      return await draw(scene, cameras, background, renderOptions);
    },
    [Symbol.asyncDispose]: () => current.child.stop(),
  };
}

type PaintingChild = DeviceChild<string, DrawRequest, RgbImage | undefined>;

/** D1 */
async function startChecked(
  options: DeviceBackend & { readonly timeoutMs: number },
): Promise<{ readonly child: PaintingChild; readonly psnrDb: number }> {
  const child: PaintingChild = await startDeviceChild({
    ...options,
    name: options.backend,
    toError: (code: DeviceErrorCode, message) => new DeviceError(code, message),
  });
  try {
    const psnrDb = await checkBackend(drawWith(child, options.inFlight), smallTest);
    if (psnrDb >= options.leastDb) {
      return { child, psnrDb };
    }
    const found = `${psnrDb.toFixed(1)} dB on the built-in scene; ${options.leastDb} are needed`;
    throw new DeviceError("wrong-pictures", `${child.ready}: ${found}`);
  } catch (error) {
    await child.stop();
    throw error;
  }
}

function drawWith(child: PaintingChild, inFlight: number): Renderer["render"] {
  return async (
    scene: Scene,
    cameras: readonly Camera[],
    background: readonly [number, number, number],
    { onView, signal } = {},
  ): Promise<readonly RgbImage[]> => {
    signal?.throwIfAborted();
    await child.ask({ kind: "scene", scene });
    const images = new Array<RgbImage>(cameras.length);
    let next = 0;
    const run = async (): Promise<void> => {
      for (let index = next++; index < cameras.length; index = next++) {
        signal?.throwIfAborted();
        const camera = cameras[index];
        if (camera === undefined) {
          return;
        }
        const image = await child.ask({ kind: "view", camera, background });
        if (image === undefined) {
          throw new TypeError("a view was answered without a picture");
        }
        images[index] = image;
        onView?.(index, image);
      }
    };
    const runs = await Promise.allSettled(Array.from({ length: inFlight }, run));
    for (const outcome of runs) {
      if (outcome.status === "rejected") {
        throw outcome.reason;
      }
    }
    return images;
  };
}
