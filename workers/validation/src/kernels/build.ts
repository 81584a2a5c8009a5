/** `node build.ts` writes the kernels' WebAssembly anew, after a change of their sources. */
import { writeFileSync } from "node:fs";
import { compileKernel, kernels } from "./compile.ts";

for (const kernel of kernels) writeFileSync(kernel.binary, await compileKernel(kernel));
