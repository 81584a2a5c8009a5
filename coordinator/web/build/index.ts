/** The built page, for those who serve it; built when it is missing or older than its sources. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { sourceStamp, stampName } from "./stamp.ts";
import { webFolder } from "./vite.ts";

/** Where the page lies once it is built. */
export const pageFolder = join(webFolder, "dist");

/**
 * Returns the folder of the built page, which it builds first when that is needed, in a process of its own: the bundler
 * stays out of this one's memory.
 * @throws Error with the bundler's words when the sources do not build
 */
export async function ensurePage(signal: AbortSignal): Promise<string> {
  const built = await readFile(join(pageFolder, stampName), "utf8").catch(() => "");
  if (built.trim() !== sourceStamp()) {
    const program = join(import.meta.dirname, "main.ts");
    await promisify(execFile)(process.execPath, [program], { cwd: webFolder, signal });
  }
  return pageFolder;
}
