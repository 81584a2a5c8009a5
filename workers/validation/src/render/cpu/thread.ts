/** One thread of the pool. */
import { parentPort, workerData } from "node:worker_threads";
import type { Camera } from "../camera.ts";
import type { RgbImage } from "../image.ts";
import { type KernelMemory, type KernelModule, startKernel } from "./kernel/host.ts";
import { writeCamera } from "./kernel/layout.ts";

export interface ThreadData {
  readonly module: KernelModule;
  readonly memory: KernelMemory;
}

/** What a thread is asked to do; places are in the shared memory. */
export interface RenderOrder {
  readonly index: number;
  readonly camera: Camera;
  readonly background: readonly [number, number, number];
  readonly scene: {
    readonly at: number;
    readonly count: number;
    readonly shDegree: number;
  };
  /** Of this thread alone. */
  readonly cameraAt: number;
  readonly scratchAt: number;
  readonly listCapacity: number;
}

/** What comes back. */
export interface RenderedView {
  readonly index: number;
  readonly image: RgbImage;
}

if (parentPort === null) throw new Error("this module runs in a worker thread");
const port = parentPort;
const { module, memory }: ThreadData = workerData;
const kernel = startKernel(module, memory);

port.on("message", ({ index, camera, background, scene, ...order }: RenderOrder) => {
  const { size } = camera;
  writeCamera(memory.buffer, order.cameraAt, camera);
  const at = kernel.renderView(
    scene.at,
    scene.count,
    scene.shDegree,
    order.cameraAt,
    size,
    ...background,
    order.scratchAt,
    order.listCapacity,
  );
  // WebAssembly's pointers are signed where JavaScript sees them.
  const pixels = new Uint8Array(size * size * 3);
  pixels.set(new Uint8Array(memory.buffer, at >>> 0, pixels.length));
  const view: RenderedView = { index, image: { width: size, height: size, pixels } };
  port.postMessage(view, [pixels.buffer]);
});
