// Compiles the rasteriser's innermost loop for AVX2: `node scripts/build-cells.mjs`, and every `npm install`.
//
// Without it WebAssembly does the same, with the same pictures, so an installation goes on where it cannot be built. Node's
// interface for add-ons is that of every version, so its headers come from a package of their own.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(root, "workers/validation/src/render/cpu/kernel/native");
const headers = join(root, "node_modules/node-api-headers/include");

/** Returns why it could not be built; undefined when it was, and where there is no AVX2 to build it for. */
export function buildCells() {
  if (process.platform !== "linux" || process.arch !== "x64") {
    return undefined;
  }
  const compiler = process.env.CXX ?? "g++";
  const sources = readdirSync(folder).filter((name) => name.endsWith(".cc"));
  const build = spawnSync(
    compiler,
    [
      ...[
        "-O3",
        "-std=c++17",
        "-Wall",
        "-Wextra",
        "-ffp-contract=off",
        "-fno-exceptions",
        "-fno-rtti",
      ],
      ...["-fPIC", "-shared", "-Wl,--as-needed", "-isystem", headers],
      ...sources.map((name) => join(folder, name)),
      ...["-o", join(folder, "cells.node")],
    ],
    { encoding: "utf8" },
  );
  if (build.status === 0) {
    return undefined;
  }
  const said = build.error?.message ?? build.stderr.trim().split("\n").slice(-5).join("\n");
  return `${compiler} failed: ${said}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const failure = buildCells();
  if (failure !== undefined) {
    console.error(failure);
    process.exitCode = 1;
  }
}
