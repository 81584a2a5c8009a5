/** The compiled rasteriser as TypeScript sees it. */
import {
  instantiateKernel,
  type KernelMemory,
  type KernelModule,
  loadKernel,
} from "../../../kernels/wasm.ts";

export {
  createSharedMemory,
  ensureBytes,
  firstFreeByte,
  type KernelModule,
} from "../../../kernels/wasm.ts";
/** Memory that all threads share. */
export type SharedMemory = KernelMemory<SharedArrayBuffer>;

export interface Kernel {
  /** Bytes of scratch memory that one thread needs. */
  scratchBytes(count: number, size: number, listCapacity: number): number;
  /** Where the picture is afterwards, three bytes a pixel. See rasteriser.as. */
  renderView(
    scene: number,
    count: number,
    degree: number,
    camera: number,
    size: number,
    red: number,
    green: number,
    blue: number,
    scratch: number,
    listCapacity: number,
  ): number;
}

export function loadRasteriser(): KernelModule {
  return loadKernel(new URL("rasteriser.wasm", import.meta.url));
}

export function startRasteriser(module: KernelModule, memory: SharedMemory): Kernel {
  return instantiateKernel<Kernel>(module, memory);
}
