/** What the built page was made of, in one hash: whether a build is still good is a question of content, not of times. */
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { webFolder } from "./vite.ts";

const repository = join(webFolder, "../..");
/** All that a build reads, relative to the repository; the versions of libraries stand in the lock file. */
const sources = [
  "coordinator/web/{index,embed}.html",
  "coordinator/web/{build,public,src}/**/*.*",
  "{bittensor,client-sdk}/src/**/*.ts",
  "proto/**/*.ts",
  "workers/splat/src/**/*.ts",
  "workers/validation/src/**/*.{ts,wasm}",
  "resources/profiles/*.json",
  "package-lock.json",
];

/** The file in a built page that says what it was made of. */
export const stampName = ".stamp";

/** Relative to the repository. Tests are no sources. */
export function stampedFiles(): readonly string[] {
  const files = globSync(sources, { cwd: repository, exclude: ["**/node_modules/**"] });
  return files.filter((name) => !name.endsWith(".test.ts")).toSorted();
}

/** SHA-256 of the sources' names and bytes, in hex. */
export function sourceStamp(): string {
  const hash = createHash("sha256").update(process.version);
  for (const file of stampedFiles()) {
    const bytes = readFileSync(join(repository, file));
    hash.update(`${file}\0${bytes.length}\0`).update(bytes);
  }
  return hash.digest("hex");
}
