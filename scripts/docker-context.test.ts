/** What Docker's build context holds, by .dockerignore: the page is built in there, of what it imports. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, matchesGlob, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { stampedFiles } from "../coordinator/web/build/stamp.ts";
import { importsOf } from "./imports.ts";
import { root } from "./workspaces.ts";

const page = "coordinator/web";

test("all that the page is built of is in the build context, and in the stamp of a built page", () => {
  const files = importedFrom([
    ...["build/main.ts", "src/main.tsx", "src/embed.ts", "src/viewer/asset-worker.ts"].map((file) =>
      join(page, file),
    ),
  ]);
  assert.ok(files.includes("client-sdk/src/web.ts"), files.join(" "));
  assert.deepEqual(
    files.filter((file) => !isInContext(file)),
    [],
  );
  const stamped = new Set(stampedFiles());
  assert.deepEqual(
    files.filter((file) => !stamped.has(file)),
    [],
  );
});

test("the rasteriser's loop for AVX2 is compiled in the image, of its sources", () => {
  const native = "workers/validation/src/render/cpu/kernel/native";
  for (const file of [
    "scripts/build-cells.mjs",
    ...["addon.cc", "cells.cc", "tile.h"].map((name) => join(native, name)),
  ]) {
    assert.ok(existsSync(join(root, file)) && isInContext(file), file);
  }
  // One that was built here may need another C library.
  assert.ok(!isInContext(join(native, "cells.node")));
});

/** These files of ours and all that they import, packages aside; relative to the repository. */
function importedFrom(entries: readonly string[]): readonly string[] {
  const found = new Set(entries);
  for (const file of found) {
    for (const specifier of importsOf(file)) {
      const path = fileOf(specifier, file);
      if (path !== undefined) {
        found.add(path);
      }
    }
  }
  return [...found];
}

function fileOf(specifier: string, from: string): string | undefined {
  if (specifier.startsWith(".")) {
    const path = join(dirname(from), specifier.replace(/\?.*$/, ""));
    return /\.tsx?$/.test(path) && existsSync(join(root, path)) ? path : undefined;
  }
  return specifier.startsWith("@turntable/")
    ? relative(root, fileURLToPath(import.meta.resolve(specifier)))
    : undefined;
}

/** As Docker reads .dockerignore: of the patterns that a file or a folder above it matches the last one counts. */
function isInContext(file: string): boolean {
  const parts = file.split("/");
  const paths = parts.map((_, n) => parts.slice(0, n + 1).join("/"));
  const patterns = readFileSync(join(root, ".dockerignore"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  return patterns.reduce((isIn, pattern) => {
    const glob = pattern.replace(/^!/, "");
    return paths.some((path) => matchesGlob(path, glob)) ? pattern.startsWith("!") : isIn;
  }, true);
}
