/**
 * Threads that render the views of one asset together. They live as long as the pool and share one memory, in which
 * the splats lie once. Which thread renders which view does not change a picture.
 */
import { Worker } from "node:worker_threads";
import type { Camera } from "../camera.ts";
import type { RgbImage } from "../image.ts";
import type { Renderer } from "../renderer.ts";
import type { Scene } from "../scene.ts";
import {
  createKernelMemory,
  ensureBytes,
  firstFreeByte,
  type KernelMemory,
  loadKernelModule,
  startKernel,
} from "./kernel/host.ts";
import { aligned, cameraBytes, sceneBytes, writeScene } from "./kernel/layout.ts";
import type { RenderedView, RenderOrder, ThreadData } from "./thread.ts";

/** Entries of the tiles' lists that are made at a time, 4 bytes each; scenes with more take several rounds. */
const listCapacity = 1 << 21;

interface Thread {
  readonly worker: Worker;
  busy: { resolve(view: RenderedView): void; reject(error: Error): void } | undefined;
}

/** @param threads at least 1; more than there are cores gains nothing. */
export async function startCpuRenderer(threads: number): Promise<Renderer> {
  const memory = createKernelMemory();
  const module = loadKernelModule();
  const { scratchBytes } = startKernel(module, memory);
  const pool = Array.from({ length: threads }, () => startThread({ module, memory }));
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
      const places = layOut(memory, scene, cameras, pool.length, scratchBytes);
      const images = new Array<RgbImage>(cameras.length);
      let next = 0;
      const run = async (thread: Thread, number: number): Promise<void> => {
        for (let index = next++; index < cameras.length; index = next++) {
          signal?.throwIfAborted();
          const camera = cameras[index];
          const place = places.threads[number];
          if (camera === undefined || place === undefined) return;
          const order = { index, camera, background, scene: places.scene, ...place };
          const { image } = await renderOn(thread, order);
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

type ThreadPlace = Pick<RenderOrder, "cameraAt" | "scratchAt" | "listCapacity">;

/** Puts the scene into the shared memory, and finds room behind it for each thread. */
function layOut(
  memory: KernelMemory,
  scene: Scene,
  cameras: readonly Camera[],
  threads: number,
  scratchBytes: (count: number, size: number, listCapacity: number) => number,
): { readonly scene: RenderOrder["scene"]; readonly threads: readonly ThreadPlace[] } {
  const size = Math.max(...cameras.map((camera) => camera.size));
  const capacity = Math.max(listCapacity, size * size);
  const scratch = scratchBytes(scene.count, size, capacity) >>> 0;
  const firstThread = firstFreeByte + aligned(sceneBytes(scene));
  const perThread = cameraBytes + scratch;
  ensureBytes(memory, firstThread + threads * perThread);
  const count = writeScene(memory.buffer, firstFreeByte, scene);
  return {
    scene: { at: firstFreeByte, count, shDegree: scene.shDegree },
    threads: Array.from({ length: threads }, (_, index) => {
      const cameraAt = firstThread + index * perThread;
      return { cameraAt, scratchAt: cameraAt + cameraBytes, listCapacity: capacity };
    }),
  };
}

function startThread(data: ThreadData): Thread {
  const worker = new Worker(new URL("thread.ts", import.meta.url), { workerData: data });
  worker.unref();
  return { worker, busy: undefined };
}
