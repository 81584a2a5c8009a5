/**
 * A renderer whose pictures are drawn in a process of its own, since a driver may take its process down, or hang.
 *
 * D1 A process draws for jobs only after its pictures of a built-in scene agreed with the float64 rasteriser's.
 * D2 When it fails, the render in work rejects with DeviceError, and the next one starts another process. Nothing is
 *    tried again in silence: who takes jobs counts failures and gives up.
 */
import type { Camera } from "../camera.ts";
import type { RgbImage } from "../image.ts";
import type { Renderer } from "../renderer.ts";
import type { Scene } from "../scene.ts";
import { checkBackend, exactDb, smallTest } from "../self-test.ts";
import { type DeviceChild, type DeviceChildOptions, startDeviceChild } from "./child.ts";
import { DeviceError } from "./errors.ts";

export interface DeviceRenderer extends Renderer {
  /** The device as its driver names it. */
  readonly device: string;
  /** Of the process that draws; another after a failure. */
  readonly pid: number;
}

export interface DeviceBackend extends Omit<DeviceChildOptions, "timeoutMs"> {
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
      return current.child.device;
    },
    get pid() {
      return current.child.pid;
    },
    async render(scene, cameras, background, renderOptions = {}) {
      if (current.child.ended() !== undefined) current = await start();
      const draw = drawWith(current.child, backend.inFlight);
      return await draw(scene, cameras, background, renderOptions);
    },
    [Symbol.asyncDispose]: () => current.child.stop(),
  };
}

/** D1 */
async function startChecked(
  options: DeviceBackend & { readonly timeoutMs: number },
): Promise<{ readonly child: DeviceChild; readonly psnrDb: number }> {
  const child = await startDeviceChild(options);
  try {
    const psnrDb = await checkBackend(drawWith(child, options.inFlight), smallTest);
    if (psnrDb >= options.leastDb) return { child, psnrDb };
    const found = `${psnrDb.toFixed(1)} dB on the built-in scene; ${options.leastDb} are needed`;
    throw new DeviceError("wrong-pictures", `${child.device}: ${found}`);
  } catch (error) {
    await child.stop();
    throw error;
  }
}

function drawWith(child: DeviceChild, inFlight: number): Renderer["render"] {
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
        if (camera === undefined) return;
        const answer = await child.ask({ kind: "view", camera, background });
        if (answer.kind !== "view") throw new TypeError(`${answer.kind} is no picture`);
        images[index] = answer.image;
        onView?.(index, answer.image);
      }
    };
    const runs = await Promise.allSettled(Array.from({ length: inFlight }, run));
    for (const outcome of runs) {
      if (outcome.status === "rejected") throw outcome.reason;
    }
    return images;
  };
}
