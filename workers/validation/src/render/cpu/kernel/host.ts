/** The compiled kernel and its memory, as TypeScript sees them. */
import { readFileSync } from "node:fs";

/** A compiled module; can be sent to threads. */
export type KernelModule = object;

/** Memory that all threads share. Views of `buffer` miss what was grown after they were made. */
export interface KernelMemory {
  readonly buffer: SharedArrayBuffer;
  grow(pages: number): number;
}

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

/** As far as it is used here; TypeScript declares it with the browser's library only. */
interface WebAssemblyNamespace {
  readonly Memory: new (options: {
    initial: number;
    maximum: number;
    shared: true;
  }) => KernelMemory;
  readonly Module: new (bytes: Uint8Array) => KernelModule;
  readonly Instance: new (module: KernelModule, imports: object) => { readonly exports: Kernel };
}
const wasm = (globalThis as unknown as { readonly WebAssembly: WebAssemblyNamespace }).WebAssembly;

const pageBytes = 65536;
const maxPages = 65536;
/** The compiler's own data lies below. */
export const firstFreeByte = pageBytes;

export function createKernelMemory(): KernelMemory {
  return new wasm.Memory({ initial: 1, maximum: maxPages, shared: true });
}

/** @throws RangeError when the machine has not that much memory */
export function ensureBytes(memory: KernelMemory, bytes: number): void {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / pageBytes);
  if (missing > 0) memory.grow(missing);
}

export function loadKernelModule(): KernelModule {
  return new wasm.Module(readFileSync(new URL("rasteriser.wasm", import.meta.url)));
}

export function startKernel(module: KernelModule, memory: KernelMemory): Kernel {
  const abort = (): never => {
    throw new Error("the rasteriser kernel stopped");
  };
  return new wasm.Instance(module, { env: { memory, abort } }).exports;
}
