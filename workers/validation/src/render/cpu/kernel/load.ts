/** The rasteriser's kernel, on Node. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { loadKernel } from "../../../kernels/load.ts";
import type { KernelModule } from "../../../kernels/wasm.ts";
import { type BlendRecords, rasteriserUrl } from "./host.ts";

export function loadRasteriser(): KernelModule {
  return loadKernel(rasteriserUrl);
}

/** Built by scripts/build-cells.mjs, where there is a compiler. */
const cells = fileURLToPath(new URL("native/cells.node", import.meta.url));

/** Undefined where it was not built, or for another kind of machine, and where the processor lacks the vectors. */
export function loadBlendRecords(): BlendRecords | undefined {
  if (!existsSync(cells)) {
    return undefined;
  }
  try {
    const { blendRecords }: { blendRecords?: BlendRecords } = createRequire(import.meta.url)(cells);
    return blendRecords;
  } catch {
    return undefined;
  }
}
