/** Makes `dist`. */
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { build } from "vite";
import { sourceStamp, stampName } from "./stamp.ts";
import { viteConfig } from "./vite.ts";

/**
 * Builds the page. The folder is complete or as it was: what is built in parallel, or breaks off, leaves no half of it.
 * @param folder an absolute path; what is there is replaced
 */
export async function buildPage(folder: string): Promise<void> {
  const work = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
  try {
    const made = join(work, "new");
    const stamp = sourceStamp();
    await build({ ...viteConfig, build: { ...viteConfig.build, outDir: made, emptyOutDir: true } });
    await writeFile(join(made, stampName), `${stamp}\n`);
    // A folder cannot be renamed over another. When somebody else's build comes in between, theirs is as good.
    await rename(folder, join(work, "old")).catch(() => undefined);
    await rename(made, folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY") {
        throw error;
      }
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
