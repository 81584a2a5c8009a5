/** The compiled rasteriser as TypeScript sees it. */
import { instantiateKernel, type KernelMemory, type KernelModule } from "../../../kernels/wasm.ts";

export {
  compileKernel,
  createSharedMemory,
  ensureBytes,
  firstFreeByte,
  type KernelModule,
} from "../../../kernels/wasm.ts";
/** Memory that all threads share. */
export type SharedMemory = KernelMemory<SharedArrayBuffer>;

/** See rasteriser.as. */
export interface Kernel {
  threadBytes(count: number): number;
  viewBytes(count: number, size: number, listCapacity: number): number;
  useAreas(
    thread: number,
    view: number,
    count: number,
    size: number,
    listCapacity: number,
    red: number,
    green: number,
    blue: number,
  ): number;
  /** Not 0 when the view's tiles can be drawn. */
  projectView(scene: number, degree: number, camera: number): number;
  drawParts(degree: number, camera: number): void;
  drawTile(tile: number): void;
  /** The three steps of `drawTile`. Returns where the open tile is described. */
  openTile(tile: number): number;
  blendRecords(from: number, end: number): void;
  closeTile(): void;
}

/**
 * The second step of `drawTile` by the processor's own vectors, with the same bytes; see native/tile.h.
 * @param tile what `openTile` gave
 * @param from number of the first record that is not blended yet
 * @returns the number of one that only `Kernel.blendRecords` can blend; those before it are done. Not below the number
 * of the tile's records: it is done as a whole
 * @throws RangeError when the tile or one of its records lies outside of the memory
 */
export type BlendRecords = (memory: Uint8Array, tile: number, from: number) => number;

/** Edge of a tile in pixels. */
const tileSize = 32;
/** Where an open tile's description says how many records it has. */
const atCount = 72;

export function tilesOf(size: number): number {
  return Math.ceil(size / tileSize) ** 2;
}

/** Where the compiled kernel lies; bundlers for browsers know this form as well. */
export const rasteriserUrl: URL = new URL("rasteriser.wasm", import.meta.url);

/**
 * How a tile is drawn.
 * @param memory as large as it is while tiles are drawn
 */
export function tileDrawer(
  kernel: Kernel,
  memory: SharedMemory,
  blend: BlendRecords | undefined,
): (tile: number) => void {
  if (blend === undefined) {
    return kernel.drawTile;
  }
  const bytes = new Uint8Array(memory.buffer);
  return (tile) => {
    // WebAssembly's pointers are signed where JavaScript sees them.
    const open = kernel.openTile(tile) >>> 0;
    const count = new DataView(bytes.buffer).getInt32(open + atCount, true);
    let next = count === 0 ? 0 : blend(bytes, open, 0);
    while (next < count) {
      kernel.blendRecords(next, next + 1);
      next = blend(bytes, open, next + 1);
    }
    kernel.closeTile();
  };
}

export function startRasteriser(module: KernelModule, memory: SharedMemory): Kernel {
  return instantiateKernel<Kernel>(module, memory);
}
