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
}

/** Edge of a tile in pixels. */
const tileSize = 32;

export function tilesOf(size: number): number {
  return Math.ceil(size / tileSize) ** 2;
}

/** Where the compiled kernel lies; bundlers for browsers know this form as well. */
export const rasteriserUrl: URL = new URL("rasteriser.wasm", import.meta.url);

export function startRasteriser(module: KernelModule, memory: SharedMemory): Kernel {
  return instantiateKernel<Kernel>(module, memory);
}
