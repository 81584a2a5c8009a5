import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { z } from "zod";
import { root } from "./workspaces.ts";

const lockSchema = z.object({
  packages: z.record(z.string(), z.object({ hasInstallScript: z.boolean().optional() })),
});

// Its install script downloads CUDA's libraries. npm 11 is kept from running it by `allowScripts` of package.json; npm 10
// does not know that, and runs the scripts of those packages alone that the lock file says have some.
test("npm 10 finds no install script of onnxruntime-node in the lock file", () => {
  const text = readFileSync(join(root, "package-lock.json"), "utf8");
  const locked = lockSchema.parse(JSON.parse(text)).packages["node_modules/onnxruntime-node"];
  assert.ok(locked !== undefined);
  assert.equal(
    locked.hasInstallScript,
    undefined,
    'take "hasInstallScript" out of its entry in package-lock.json again',
  );
});
