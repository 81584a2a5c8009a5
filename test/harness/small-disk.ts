/** A disk that gets full soon, for tests of what happens then; needs the right to mount one. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A disk of so many MiB, mounted; undefined when this process may not mount. */
export function mountDisk(mebibytes = 32): ({ readonly path: string } & Disposable) | undefined {
  const path = mkdtempSync(join(tmpdir(), "turntable-disk-"));
  const options = `size=${mebibytes}m`;
  const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path]).status === 0;
  if (!isMounted) {
    rmSync(path, { recursive: true });
  }
  return isMounted
    ? {
        path,
        [Symbol.dispose]() {
          spawnSync("umount", ["-l", path]);
          rmSync(path, { recursive: true });
        },
      }
    : undefined;
}

/** Fills the disk until so many bytes are free; gives what makes room again. */
export async function fill(path: string, leftBytes: number): Promise<() => void> {
  const filler = join(path, "filler");
  const { bavail, bsize } = await statfs(path);
  try {
    writeFileSync(filler, Buffer.alloc(Math.max(0, bavail * bsize - leftBytes)));
  } catch (error) {
    // Who works there writes as well: what it took meanwhile was to be filled.
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) {
      throw error;
    }
  }
  return () => rmSync(filler);
}
