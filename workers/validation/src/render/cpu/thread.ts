/**
 * One thread of the pool: takes views by itself, so that it never waits for the thread that collects them. When no view
 * is left it helps others with the tiles of theirs, so that all end together.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { Camera } from "../camera.ts";
import type { RgbImage } from "../image.ts";
import {
  type KernelModule,
  type SharedMemory,
  startRasteriser,
  tileDrawer,
  tilesOf,
} from "./kernel/host.ts";
import { type PlacedScene, writeCamera, writeSplats } from "./kernel/layout.ts";
import { loadBlendRecords } from "./kernel/load.ts";
import {
  beginView,
  closeView,
  countTile,
  openView,
  ownerOfOpen,
  type Progress,
  takeTile,
  takeView,
  waitForParts,
} from "./progress.ts";

export interface ThreadData {
  readonly module: KernelModule;
  readonly memory: SharedMemory;
  /** This thread's place among all. */
  readonly number: number;
}

/** What all threads are asked to do: views, until none is left. Places are in the shared memory. */
export interface RenderOrder {
  readonly cameras: readonly Camera[];
  /** Where their pictures go; in memory that is shared with those who wait for them. */
  readonly images: readonly RgbImage[];
  readonly background: readonly [number, number, number];
  readonly scene: PlacedScene;
  /** One a thread. */
  readonly places: readonly ThreadPlace[];
  readonly listCapacity: number;
  readonly progress: Progress;
}

/** Areas of the shared memory; see kernel/rasteriser.as. */
export interface ThreadPlace {
  readonly cameraAt: number;
  readonly threadAt: number;
  readonly viewAt: number;
}

/** What comes back: each view, and then that no more are left. */
export type RenderAnswer =
  | { readonly kind: "view"; readonly index: number }
  | { readonly kind: "done" };

if (parentPort === null) {
  throw new Error("this module runs in a worker thread");
}
const port = parentPort;
const { module, memory, number }: ThreadData = workerData;
const kernel = startRasteriser(module, memory);
const blendRecords = loadBlendRecords();
const answer = (message: RenderAnswer): void => port.postMessage(message);

port.on("message", (order: RenderOrder) => {
  const { progress, cameras, places } = order;
  const [place] = places.slice(number);
  writeSplats(memory.buffer, order.scene, number, places.length);
  if (place !== undefined && waitForParts(progress, places.length)) {
    for (let view = takeView(progress); view < cameras.length; view = takeView(progress)) {
      if (drawView(order, place, view)) {
        answer({ kind: "view", index: view });
      }
    }
    // The last views are the ones that others may still be at.
    for (let back = 1; back <= places.length; back++) {
      help(order, place, cameras.length - back);
    }
  }
  answer({ kind: "done" });
});

/** Returns false when a thread that helped is gone, and tiles are missing. */
function drawView(order: RenderOrder, place: ThreadPlace, view: number): boolean {
  const { scene, progress } = order;
  const [camera, image] = [order.cameras[view], order.images[view]];
  if (camera === undefined || image === undefined) {
    return false;
  }
  beginView(progress, view, number);
  writeCamera(memory.buffer, place.cameraAt, camera);
  const at = useAreas(order, camera, place.threadAt, place.viewAt);
  if (kernel.projectView(scene.at, scene.shDegree, place.cameraAt) === 0) {
    kernel.drawParts(scene.shDegree, place.cameraAt);
  } else {
    openView(progress, view);
    drawTiles(progress, view, tilesOf(camera.size));
  }
  if (!closeView(progress, view, tilesOf(camera.size))) {
    return false;
  }
  // WebAssembly's pointers are signed where JavaScript sees them.
  image.pixels.set(new Uint8Array(memory.buffer, at >>> 0, image.pixels.length));
  return true;
}

/** Draws tiles of a view that another thread began, if there are any left. */
function help(order: RenderOrder, { threadAt }: ThreadPlace, view: number): void {
  const camera = order.cameras[view];
  const owner = camera === undefined ? undefined : ownerOfOpen(order.progress, view);
  const place = owner === undefined ? undefined : order.places[owner];
  if (camera === undefined || place === undefined) {
    return;
  }
  useAreas(order, camera, threadAt, place.viewAt);
  drawTiles(order.progress, view, tilesOf(camera.size));
}

/** From here on the kernel works in these areas; returns where the picture is. */
function useAreas(order: RenderOrder, { size }: Camera, threadAt: number, viewAt: number): number {
  const { scene, listCapacity, background } = order;
  return kernel.useAreas(threadAt, viewAt, scene.count, size, listCapacity, ...background);
}

function drawTiles(progress: Progress, view: number, tiles: number): void {
  const drawTile = tileDrawer(kernel, memory, blendRecords);
  for (let tile = takeTile(progress, view); tile < tiles; tile = takeTile(progress, view)) {
    drawTile(tile);
    countTile(progress, view);
  }
}
