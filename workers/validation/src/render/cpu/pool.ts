/**
 * Threads that render the views of one asset together. They live as long as the pool; the scene is in memory that
 * all of them see, so handing it over costs nothing. Which thread renders which view does not change a picture.
 */
import { Worker } from "node:worker_threads";
import type { Camera } from "../camera.ts";
import type { RgbImage } from "../image.ts";
import type { Renderer } from "../renderer.ts";
import type { Scene } from "../scene.ts";

/** What a thread is asked to do. */
export interface RenderOrder {
  readonly index: number;
  readonly scene: Scene;
  readonly camera: Camera;
  readonly background: readonly [number, number, number];
}

/** What comes back. */
export interface RenderedView {
  readonly index: number;
  readonly image: RgbImage;
}

interface Thread {
  readonly worker: Worker;
  busy: { resolve(view: RenderedView): void; reject(error: Error): void } | undefined;
}

/** @param threads at least 1; more than there are cores gains nothing. */
export async function startCpuRenderer(threads: number): Promise<Renderer> {
  const pool = Array.from({ length: threads }, startThread);
  let broken: Error | undefined;
  for (const thread of pool) {
    thread.worker.on("message", (view: RenderedView) => {
      const { busy } = thread;
      thread.busy = undefined;
      busy?.resolve(view);
    });
    const fail = (error: Error): void => {
      broken = error;
      thread.busy?.reject(error);
      thread.busy = undefined;
    };
    thread.worker.on("error", fail);
    thread.worker.on("exit", (code) => fail(new Error(`a render thread ended with ${code}`)));
  }

  const renderOn = (thread: Thread, order: RenderOrder): Promise<RenderedView> =>
    new Promise((resolve, reject) => {
      if (broken !== undefined) return reject(broken);
      thread.busy = { resolve, reject };
      thread.worker.postMessage(order);
    });

  return {
    backend: "cpu",
    approximate: false,
    async render(scene, cameras, background, { onView, signal } = {}) {
      const images = new Array<RgbImage>(cameras.length);
      let next = 0;
      const run = async (thread: Thread): Promise<void> => {
        for (let index = next++; index < cameras.length; index = next++) {
          signal?.throwIfAborted();
          const camera = cameras[index];
          if (camera === undefined) return;
          const { image } = await renderOn(thread, { index, scene, camera, background });
          images[index] = image;
          onView?.(index, image);
        }
      };
      const runs = await Promise.allSettled(pool.map(run));
      for (const { status, ...outcome } of runs) {
        if (status === "rejected" && "reason" in outcome) throw outcome.reason;
      }
      return images;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(
        pool.map(async ({ worker }) => {
          worker.removeAllListeners("exit");
          await worker.terminate();
        }),
      );
    },
  };
}

function startThread(): Thread {
  const worker = new Worker(new URL("thread.ts", import.meta.url));
  worker.unref();
  return { worker, busy: undefined };
}
