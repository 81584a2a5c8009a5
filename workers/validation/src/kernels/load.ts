/** Kernels out of their files, on Node. */
import { readFileSync } from "node:fs";
import { compileKernel, type KernelModule } from "./wasm.ts";

export function loadKernel(binary: URL): KernelModule {
  return compileKernel(readFileSync(binary));
}
