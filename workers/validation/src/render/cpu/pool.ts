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
  createSharedMemory,
  ensureBytes,
  firstFreeByte,
  type Kernel,
  type SharedMemory,
  startRasteriser,
} from "./kernel/host.ts";
import { aligned, cameraBytes, type PlacedScene, placeScene, sceneBytes } from "./kernel/layout.ts";
import { loadBlendRecords, loadRasteriser } from "./kernel/load.ts";
import { createProgress, endAll, type Progress, takeNoMore } from "./progress.ts";
import type { RenderAnswer, RenderOrder, ThreadData, ThreadPlace } from "./thread.ts";

/** Records of a view that have room together, 64 bytes each; views with more are drawn in parts. */
const listCapacity = 1 << 20;

interface Thread {
  readonly worker: Worker;
  busy: { onView(index: number): void; done(): void; fail(error: Error): void } | undefined;
}

/** @param threads at least 1; more than there are cores gains nothing. */
export async function startCpuRenderer(threads: number): Promise<Renderer> {
  const memory = createSharedMemory();
  const module = loadRasteriser();
  const kernel = startRasteriser(module, memory);
  const pool = Array.from({ length: threads }, (_, number) =>
    startThread({ module, memory, number }),
  );
  /** The memory of pictures that were handed back, for the next render to use again; empty when there is none. */
  let spare = new SharedArrayBuffer(0);
  /** How far the render in work is; undefined when none is. */
  let progress: Progress | undefined;
  let broken: Error | undefined;
  for (const thread of pool) {
    thread.worker.on("message", (answer: RenderAnswer) => {
      if (answer.kind === "view") {
        return thread.busy?.onView(answer.index);
      }
      thread.busy?.done();
      thread.busy = undefined;
    });
    const fail = (error: Error): void => {
      broken = error;
      if (progress !== undefined) {
        endAll(progress);
      }
      thread.busy?.fail(error);
      thread.busy = undefined;
    };
    thread.worker.on("error", fail);
    thread.worker.on("exit", (code) => fail(new Error(`a render thread ended with ${code}`)));
  }

  const renderOn = (
    thread: Thread,
    order: RenderOrder,
    onView: (index: number) => void,
  ): Promise<void> =>
    new Promise((resolve, reject) => {
      if (broken !== undefined) {
        return reject(broken);
      }
      thread.busy = { onView, done: resolve, fail: reject };
      thread.worker.postMessage(order);
    });

  return {
    backend: "cpu",
    instructions: loadBlendRecords() === undefined ? "WebAssembly" : "AVX2",
    approximate: false,
    async render(scene, cameras, background, { onView, signal } = {}) {
      signal?.throwIfAborted();
      if (pool.some(({ busy }) => busy !== undefined)) {
        throw new Error("this renderer draws an asset already; it takes one at a time");
      }
      const images = emptyImages(cameras, spare);
      spare = new SharedArrayBuffer(0);
      const shared = createProgress(cameras.length);
      progress = shared;
      const placed = layOut(memory, scene, cameras, pool.length, kernel);
      const order = { cameras, images, background, ...placed, progress: shared };
      const stop = new AbortController();
      const ended = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
      const onStop = (): void => takeNoMore(shared);
      ended.addEventListener("abort", onStop);
      const collect = (index: number): void => {
        const image = images[index];
        if (ended.aborted || image === undefined) {
          return;
        }
        try {
          onView?.(index, image);
        } catch (error) {
          stop.abort(error);
        }
      };
      // All have come to rest before the next render, whatever became of this one.
      const runs = await Promise.allSettled(pool.map((thread) => renderOn(thread, order, collect)));
      // A signal outlives its render: later it must not stop another one.
      ended.removeEventListener("abort", onStop);
      for (const run of runs) {
        if (run.status === "rejected") {
          throw run.reason;
        }
      }
      ended.throwIfAborted();
      return images;
    },
    recycle([image]) {
      if (image?.pixels.buffer instanceof SharedArrayBuffer) {
        spare = image.pixels.buffer;
      }
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

/** Finds room in the shared memory for the scene, and behind it for each thread. */
function layOut(
  memory: SharedMemory,
  scene: Scene,
  cameras: readonly Camera[],
  threads: number,
  kernel: Kernel,
): {
  readonly scene: PlacedScene;
  readonly places: readonly ThreadPlace[];
  readonly listCapacity: number;
} {
  const size = Math.max(...cameras.map((camera) => camera.size));
  // WebAssembly's numbers are signed where JavaScript sees them.
  const threadBytes = kernel.threadBytes(scene.count) >>> 0;
  const viewBytes = kernel.viewBytes(scene.count, size, listCapacity) >>> 0;
  const firstThread = firstFreeByte + aligned(sceneBytes(scene));
  const perThread = cameraBytes + threadBytes + aligned(viewBytes);
  ensureBytes(memory, firstThread + threads * perThread);
  const places = Array.from({ length: threads }, (_, index) => {
    const cameraAt = firstThread + index * perThread;
    const threadAt = cameraAt + cameraBytes;
    return { cameraAt, threadAt, viewAt: threadAt + threadBytes };
  });
  return { scene: placeScene(scene, firstFreeByte), places, listCapacity };
}

/** One behind the other in one memory that all threads share: `spare`, when that is enough. */
function emptyImages(cameras: readonly Camera[], spare: SharedArrayBuffer): readonly RgbImage[] {
  const sizes = cameras.map(({ size }) => size * size * 3);
  const bytes = sizes.reduce((sum, each) => sum + each, 0);
  const memory = spare.byteLength >= bytes ? spare : new SharedArrayBuffer(bytes);
  let at = 0;
  return cameras.map(({ size }, index) => {
    const pixels = new Uint8Array(memory, at, sizes[index]);
    at += pixels.length;
    return { width: size, height: size, pixels };
  });
}

function startThread(data: ThreadData): Thread {
  const worker = new Worker(new URL("thread.ts", import.meta.url), { workerData: data });
  worker.unref();
  return { worker, busy: undefined };
}
