/** WebAssembly as far as the kernels use it; TypeScript declares it with the browser's library only. */

/** A compiled module; can be sent to threads. */
export type KernelModule = object;

/** Views of `buffer` miss what was grown after they were made. */
export interface KernelMemory<Buffer extends ArrayBufferLike = ArrayBuffer> {
  readonly buffer: Buffer;
  grow(pages: number): number;
}

interface WebAssemblyNamespace {
  readonly Memory: new (options: {
    initial: number;
    maximum: number;
    shared: true;
  }) => KernelMemory<SharedArrayBuffer>;
  readonly Module: new (bytes: Uint8Array) => KernelModule;
  readonly Instance: new <Exports>(
    module: KernelModule,
    imports: object,
  ) => { readonly exports: Exports };
}
const wasm = (globalThis as unknown as { readonly WebAssembly: WebAssemblyNamespace }).WebAssembly;

const pageBytes = 65536;
const maxPages = 65536;
/** The compiler's own data lies below. */
export const firstFreeByte = pageBytes;

/** Memory that threads share. @param maxBytes what it may be grown to; browsers set that much of the address space aside */
export function createSharedMemory(
  maxBytes = maxPages * pageBytes,
): KernelMemory<SharedArrayBuffer> {
  return new wasm.Memory({ initial: 1, maximum: Math.ceil(maxBytes / pageBytes), shared: true });
}

/** @throws RangeError when the machine has not that much memory */
export function ensureBytes(memory: KernelMemory<ArrayBufferLike>, bytes: number): void {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / pageBytes);
  if (missing > 0) {
    memory.grow(missing);
  }
}

export function compileKernel(binary: Uint8Array): KernelModule {
  return new wasm.Module(binary);
}

/** @param memory the one that the kernel imports, if it does */
export function instantiateKernel<Exports>(
  module: KernelModule,
  memory?: KernelMemory<ArrayBufferLike>,
): Exports {
  const abort = (): never => {
    throw new Error("a kernel stopped");
  };
  return new wasm.Instance<Exports>(module, { env: { memory, abort } }).exports;
}
