/** `node build.ts` writes the kernels' WebAssembly anew, and the constants that they are compiled with. */
import { writeFileSync } from "node:fs";
import { compileKernel, kernels } from "./compile.ts";
import { writeConstantHeaders } from "./constants.ts";

writeConstantHeaders();
for (const kernel of kernels) {
  writeFileSync(kernel.binary, await compileKernel(kernel));
}
