/**
 * The rasteriser in one thread, a view at a time, with neither Node nor other threads: the same kernel as the pool's,
 * so the same bytes. For browsers, in a Web Worker.
 */
import type { Camera } from "../camera.ts";
import type { RgbImage } from "../image.ts";
import type { Scene } from "../scene.ts";
import {
  compileKernel,
  createSharedMemory,
  ensureBytes,
  firstFreeByte,
  startRasteriser,
  tilesOf,
} from "./kernel/host.ts";
import {
  aligned,
  cameraBytes,
  placeScene,
  sceneBytes,
  writeCamera,
  writeSplats,
} from "./kernel/layout.ts";

/** Records of a view that have room together, 64 bytes each; views with more are drawn in parts. */
const listCapacity = 1 << 18;

/** Draws one view of the scene. @param background red, green, blue in 0 to 1 */
export type DrawView = (camera: Camera, background: readonly [number, number, number]) => RgbImage;

/**
 * @param kernel the bytes of `rasteriserUrl`
 * @param largestSize of the pictures, in pixels along an edge
 * @throws RangeError when there is not that much memory
 */
export function startOneThread(kernel: Uint8Array, scene: Scene, largestSize: number): DrawView {
  const module = compileKernel(kernel);
  const measuring = startRasteriser(module, createSharedMemory(firstFreeByte));
  const cameraAt = firstFreeByte + aligned(sceneBytes(scene));
  const threadAt = cameraAt + cameraBytes;
  // WebAssembly's numbers are signed where JavaScript sees them.
  const viewAt = threadAt + (measuring.threadBytes(scene.count) >>> 0);
  const end = viewAt + (measuring.viewBytes(scene.count, largestSize, listCapacity) >>> 0);
  const memory = createSharedMemory(end);
  ensureBytes(memory, end);
  const rasteriser = startRasteriser(module, memory);
  const placed = placeScene(scene, firstFreeByte);
  writeSplats(memory.buffer, placed);
  return (camera, background) => {
    const { size } = camera;
    if (size > largestSize) {
      throw new RangeError(`a picture of ${size} pixels; ${largestSize} have room`);
    }
    writeCamera(memory.buffer, cameraAt, camera);
    const { count, shDegree, at } = placed;
    const pixelsAt = rasteriser.useAreas(
      threadAt,
      viewAt,
      count,
      size,
      listCapacity,
      ...background,
    );
    if (rasteriser.projectView(at, shDegree, cameraAt) === 0) {
      rasteriser.drawParts(shDegree, cameraAt);
    } else {
      for (let tile = 0; tile < tilesOf(size); tile++) {
        rasteriser.drawTile(tile);
      }
    }
    const drawn = new Uint8Array(memory.buffer, pixelsAt >>> 0, size * size * 3);
    return { width: size, height: size, pixels: Uint8Array.from(drawn) };
  };
}
