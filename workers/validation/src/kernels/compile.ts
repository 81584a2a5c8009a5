/** Compiles the kernels, AssemblyScript, to WebAssembly with SIMD; the same source gives the same bytes. */
import { existsSync, readFileSync } from "node:fs";
import asc from "assemblyscript/asc";

/** An inner loop that is compiled. */
export interface KernelSource {
  readonly source: URL;
  /** Where the result is kept. */
  readonly binary: URL;
  readonly options: readonly string[];
}

export const kernels: readonly KernelSource[] = [
  kernel("../render/cpu/kernel/rasteriser", [
    // One memory for all threads; its size is the host's business.
    ...["--importMemory", "--sharedMemory", "--initialMemory", "1", "--maximumMemory", "65536"],
    ...["--enable", "simd,threads"],
  ]),
  kernel("../score/resize/resize", ["--initialMemory", "1", "--enable", "simd"]),
];

function kernel(path: string, options: readonly string[]): KernelSource {
  return {
    source: new URL(`${path}.as`, import.meta.url),
    binary: new URL(`${path}.wasm`, import.meta.url),
    options: ["-O3", "--noAssert", "--runtime", "stub", ...options],
  };
}

/** @throws Error with the compiler's messages */
export async function compileKernel({ source, options }: KernelSource): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(["kernel.ts", "--outFile", "kernel.wasm", ...options], {
    readFile: (name) => {
      const file = name === "kernel.ts" ? source : new URL(name.replace(/\.ts$/, ".as"), source);
      return existsSync(file) ? readFileSync(file, "utf8") : null;
    },
    writeFile: (_name, contents) => {
      if (typeof contents !== "string") {
        binary = contents;
      }
    },
    listFiles: () => [],
  });
  if (error !== null || binary === undefined) {
    throw new Error(String(stderr), { cause: error });
  }
  return binary;
}
