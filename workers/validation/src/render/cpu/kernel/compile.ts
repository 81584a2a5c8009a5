/** Compiles rasteriser.as; the same source gives the same bytes. */
import { readFileSync } from "node:fs";
import asc from "assemblyscript/asc";

const source = new URL("rasteriser.as", import.meta.url);
/** Where the result is kept. */
export const kernelFile: URL = new URL("rasteriser.wasm", import.meta.url);

const options = [
  ...["-O3", "--noAssert", "--runtime", "stub"],
  // One memory for all threads; its size is the host's business.
  ...["--importMemory", "--sharedMemory", "--initialMemory", "1", "--maximumMemory", "65536"],
  ...["--enable", "simd,threads"],
];

/** @throws Error with the compiler's messages */
export async function compileKernel(): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const { error, stderr } = await asc.main(
    ["rasteriser.ts", "--outFile", "rasteriser.wasm", ...options],
    {
      readFile: (name) => (name === "rasteriser.ts" ? readFileSync(source, "utf8") : null),
      writeFile: (_name, contents) => {
        if (typeof contents !== "string") binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || binary === undefined) throw new Error(String(stderr), { cause: error });
  return binary;
}
