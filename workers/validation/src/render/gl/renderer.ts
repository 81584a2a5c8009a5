/**
 * The `gl` backend: pictures drawn in a process of its own, since the add-on cannot be loaded in a second thread and
 * a driver may take its process down.
 *
 * G1 A process draws for jobs only after its pictures of a built-in scene agreed with the float64 rasteriser's.
 * G2 When it fails, the render in work rejects with GlError, and the next one starts another process. Nothing is
 *    tried again in silence: who takes jobs counts failures and gives up.
 */
import type { Camera } from "../camera.ts";
import type { RgbImage } from "../image.ts";
import type { Renderer } from "../renderer.ts";
import type { Scene } from "../scene.ts";
import { exactDb, leastDb, measureBackend, smallTest } from "../self-test.ts";
import { type GlChild, startGlChild } from "./child.ts";
import { GlError } from "./errors.ts";

export interface GlRenderer extends Renderer {
  /** The device as its driver names it. */
  readonly device: string;
  /** Of the process that draws; another after a failure. */
  readonly pid: number;
}

export interface GlRendererOptions {
  /** The longest wait for a view, or for a start, in ms. */
  readonly timeoutMs?: number;
  /** The module that draws, for tests of its failures. */
  readonly program?: URL;
}

const defaultTimeoutMs = 60_000;
/** Views asked for at a time: one is drawn while the one before is on its way. */
const inFlight = 2;

/** @throws GlError `unavailable` when the machine has nothing to draw with, `wrong-pictures` by G1 */
export async function startGlRenderer(options: GlRendererOptions = {}): Promise<GlRenderer> {
  const start = () => startChecked({ timeoutMs: defaultTimeoutMs, ...options });
  let current = await start();
  return {
    backend: "gl",
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
      return await draw(current.child, scene, cameras, background, renderOptions);
    },
    [Symbol.asyncDispose]: () => current.child.stop(),
  };
}

/** G1 */
async function startChecked(options: {
  readonly timeoutMs: number;
  readonly program?: URL;
}): Promise<{ readonly child: GlChild; readonly psnrDb: number }> {
  const child = await startGlChild(options);
  try {
    const { psnrDb } = await measureBackend((...order) => draw(child, ...order, {}), smallTest);
    if (psnrDb >= leastDb.gl) return { child, psnrDb };
    const found = `${psnrDb.toFixed(1)} dB on the built-in scene; ${leastDb.gl} are needed`;
    throw new GlError("wrong-pictures", `${child.device}: ${found}`);
  } catch (error) {
    await child.stop();
    throw error;
  }
}

async function draw(
  child: GlChild,
  scene: Scene,
  cameras: readonly Camera[],
  background: readonly [number, number, number],
  { onView, signal }: NonNullable<Parameters<Renderer["render"]>[3]>,
): Promise<readonly RgbImage[]> {
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
}
