/** What is asked of the HDF5 library, and how it is answered in the thread that this runs in. */
import { AssetError, type AssetErrorCode, type AssetLimits, type Splat } from "./splat.ts";

export type Hdf5Request =
  | {
      readonly kind: "read";
      readonly bytes: Uint8Array;
      readonly limits: AssetLimits;
      readonly activated: boolean;
    }
  | { readonly kind: "write"; readonly splat: Splat };

export type Hdf5Answer =
  | { readonly kind: "splat"; readonly splat: Splat }
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "error"; readonly code: AssetErrorCode; readonly message: string };

/** Memory of the HDF5 library beyond what the limits ask for: its own, and chunks in work. */
const overheadBytes = 256 * 1024 * 1024;
const pageBytes = 65536;

/** @throws what the library throws about a file that it cannot cope with */
export async function answerHere(request: Hdf5Request): Promise<Hdf5Answer> {
  const uncap = capMemory(
    overheadBytes + (request.kind === "read" ? request.limits.maxDecompressedBytes : 2 ** 30),
  );
  try {
    // After the cap: the library takes its memory when it is loaded.
    const { readHdf5Here, writeHdf5Here } = await import("./hdf5-file.ts");
    if (request.kind === "write") {
      return { kind: "bytes", bytes: writeHdf5Here(request.splat) };
    }
    const splat = readHdf5Here(request.bytes, request.limits, request.activated);
    return { kind: "splat", splat };
  } catch (error) {
    if (!(error instanceof AssetError)) {
      throw error;
    }
    return { kind: "error", code: error.code, message: error.message };
  } finally {
    uncap();
  }
}

/** What `WebAssembly.Memory` is here; TypeScript's own declaration comes with the browser's library only. */
interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/**
 * A deflated chunk may unpack to a thousand times its size; the library's `malloc` then fails instead. Returns what
 * takes the cap off again.
 */
function capMemory(maxBytes: number): () => void {
  const { prototype } = (
    globalThis as unknown as { WebAssembly: { Memory: { prototype: WasmMemory } } }
  ).WebAssembly.Memory;
  const { grow } = prototype;
  prototype.grow = function (this: WasmMemory, pages: number): number {
    if (this.buffer.byteLength + Number(pages) * pageBytes > maxBytes) {
      throw new RangeError(`the HDF5 library may use ${maxBytes} bytes`);
    }
    return grow.call(this, pages);
  };
  return () => {
    prototype.grow = grow;
  };
}
