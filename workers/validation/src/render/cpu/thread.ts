/** One thread of the pool: takes views by itself, so that it never waits for the thread that collects them. */
import { parentPort, workerData } from "node:worker_threads";
import type { Camera } from "../camera.ts";
import type { RgbImage } from "../image.ts";
import { type KernelModule, type SharedMemory, startRasteriser } from "./kernel/host.ts";
import { writeCamera } from "./kernel/layout.ts";

export interface ThreadData {
  readonly module: KernelModule;
  readonly memory: SharedMemory;
  /** The index of the next view that nobody has taken; all threads count it up. */
  readonly nextView: Int32Array;
}

/** What a thread is asked to do: views, until none is left. Places are in the shared memory. */
export interface RenderOrder {
  readonly cameras: readonly Camera[];
  /** Where their pictures go; in memory that is shared with those who wait for them. */
  readonly images: readonly RgbImage[];
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

/** What comes back: each view, and then that no more are left. */
export type RenderAnswer =
  | { readonly kind: "view"; readonly index: number }
  | { readonly kind: "done" };

if (parentPort === null) throw new Error("this module runs in a worker thread");
const port = parentPort;
const { module, memory, nextView }: ThreadData = workerData;
const kernel = startRasteriser(module, memory);
const answer = (message: RenderAnswer): void => port.postMessage(message);

port.on("message", (order: RenderOrder) => {
  for (;;) {
    const index = Atomics.add(nextView, 0, 1);
    const [camera, image] = [order.cameras[index], order.images[index]];
    if (camera === undefined || image === undefined) return answer({ kind: "done" });
    render(camera, order, image);
    answer({ kind: "view", index });
  }
});

function render(camera: Camera, order: RenderOrder, image: RgbImage): void {
  const { scene, background, cameraAt, scratchAt, listCapacity } = order;
  writeCamera(memory.buffer, cameraAt, camera);
  const at = kernel.renderView(
    scene.at,
    scene.count,
    scene.shDegree,
    cameraAt,
    camera.size,
    ...background,
    scratchAt,
    listCapacity,
  );
  // WebAssembly's pointers are signed where JavaScript sees them.
  image.pixels.set(new Uint8Array(memory.buffer, at >>> 0, image.pixels.length));
}
