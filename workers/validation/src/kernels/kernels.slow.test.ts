import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compileKernel, kernels } from "./compile.ts";

for (const kernel of kernels) {
  const name = kernel.binary.pathname.split("/").at(-1);
  test(`${name} is what the compiler makes of its source`, async () => {
    const compiled = await compileKernel(kernel);
    assert.ok(readFileSync(kernel.binary).equals(compiled), "run node src/kernels/build.ts");
  });
}
