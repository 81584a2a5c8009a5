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
  loadRasteriser,
  type SharedMemory,
  startRasteriser,
} from "./kernel/host.ts";
import { aligned, cameraBytes, sceneBytes, writeScene } from "./kernel/layout.ts";
import type { RenderAnswer, RenderOrder, ThreadData } from "./thread.ts";

/** Entries of the tiles' lists that are made at a time, 4 bytes each; scenes with more take several rounds. */
const listCapacity = 1 << 21;

/** No view has an index like that: threads that count from here take no more. */
const noView = 1 << 30;

interface Thread {
  readonly worker: Worker;
  busy: { onView(index: number): void; done(): void; fail(error: Error): void } | undefined;
}

/** @param threads at least 1; more than there are cores gains nothing. */
export async function startCpuRenderer(threads: number): Promise<Renderer> {
  const memory = createSharedMemory();
  const module = loadRasteriser();
  const { scratchBytes } = startRasteriser(module, memory);
  const nextView = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const pool = Array.from({ length: threads }, () => startThread({ module, memory, nextView }));
  /** Of pictures that were handed back. */
  let spare = new SharedArrayBuffer(0);
  let broken: Error | undefined;
  for (const thread of pool) {
    thread.worker.on("message", (answer: RenderAnswer) => {
      if (answer.kind === "view") return thread.busy?.onView(answer.index);
      thread.busy?.done();
      thread.busy = undefined;
    });
    const fail = (error: Error): void => {
      broken = error;
      thread.busy?.fail(error);
      thread.busy = undefined;
    };
    thread.worker.on("error", fail);
    thread.worker.on("exit", (code) => fail(new Error(`a render thread ended with ${code}`)));
  }

  const renderOn = (
    thread: Thread | undefined,
    order: RenderOrder,
    onView: (index: number) => void,
  ): Promise<void> =>
    new Promise((resolve, reject) => {
      if (thread === undefined || broken !== undefined) return reject(broken);
      thread.busy = { onView, done: resolve, fail: reject };
      thread.worker.postMessage(order);
    });

  return {
    backend: "cpu",
    approximate: false,
    async render(scene, cameras, background, { onView, signal } = {}) {
      signal?.throwIfAborted();
      if (pool.some(({ busy }) => busy !== undefined)) {
        throw new Error("this renderer draws an asset already; it takes one at a time");
      }
      const places = layOut(memory, scene, cameras, pool.length, scratchBytes);
      const images = emptyImages(cameras, spare);
      spare = new SharedArrayBuffer(0);
      const stop = new AbortController();
      const ended = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
      const takeNoMore = (): void => {
        Atomics.store(nextView, 0, noView);
      };
      ended.addEventListener("abort", takeNoMore);
      const collect = (index: number): void => {
        const image = images[index];
        if (ended.aborted || image === undefined) return;
        try {
          onView?.(index, image);
        } catch (error) {
          stop.abort(error);
        }
      };
      Atomics.store(nextView, 0, 0);
      // All have come to rest before the next render, whatever became of this one.
      const runs = await Promise.allSettled(
        places.threads.map((place, number) =>
          renderOn(
            pool[number],
            { cameras, images, background, scene: places.scene, ...place },
            collect,
          ),
        ),
      );
      // A signal outlives its render: later it must not stop another one.
      ended.removeEventListener("abort", takeNoMore);
      for (const run of runs) if (run.status === "rejected") throw run.reason;
      ended.throwIfAborted();
      return images;
    },
    recycle([image]) {
      if (image?.pixels.buffer instanceof SharedArrayBuffer) spare = image.pixels.buffer;
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
  memory: SharedMemory,
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
