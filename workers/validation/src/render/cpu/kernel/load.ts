/** The rasteriser's kernel, on Node. */
import { loadKernel } from "../../../kernels/load.ts";
import type { KernelModule } from "../../../kernels/wasm.ts";
import { rasteriserUrl } from "./host.ts";

export function loadRasteriser(): KernelModule {
  return loadKernel(rasteriserUrl);
}
