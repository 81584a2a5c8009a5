/** Test vectors from outside the repository: `TURNTABLE_VECTORS` names their folder. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";

// biome-ignore lint/style/noProcessEnv: tests have no configuration but this one variable
const root = env.TURNTABLE_VECTORS;

/** For the `skip` option of tests. */
export const skip = root === undefined ? "TURNTABLE_VECTORS is not set" : false;

export function vectorPath(...parts: string[]): string {
  if (root === undefined) {
    throw new Error("TURNTABLE_VECTORS is not set");
  }
  return join(root, "bittensor", ...parts);
}

/** The content has the shape that the vectors' own README gives it; tests fail where it does not. */
export function readVectors<T>(...parts: string[]): T {
  return JSON.parse(readFileSync(vectorPath(...parts), "utf8")) as T;
}
