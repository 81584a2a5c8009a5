/** `node build.ts` writes rasteriser.wasm anew, after a change of rasteriser.as. */
import { writeFileSync } from "node:fs";
import { compileKernel, kernelFile } from "./compile.ts";

writeFileSync(kernelFile, await compileKernel());
