/** Assets as files named by their SHA-256, so that the same bytes are stored once and cannot be mixed up. */
import { hash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

export interface AssetFiles {
  /** Writes the bytes; they are on disk, folder included, when this returns. Returns their SHA-256 in hex. */
  save(bytes: Uint8Array): Promise<string>;
  /** Undefined when the asset is gone: there is no such file, or its bytes are others. */
  load(sha256: string): Promise<Uint8Array | undefined>;
}

const partialSuffix = ".partial";

/** Opens (or makes) the folder and removes what an interrupted `save` left. */
export async function openAssetFiles(directory: string): Promise<AssetFiles> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const name of await readdir(directory)) {
    if (name.endsWith(partialSuffix)) await rm(join(directory, name), { force: true });
  }
  const pathOf = (sha256: string): string => {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new TypeError(`not a SHA-256 in hex: ${sha256}`);
    return join(directory, sha256);
  };
  return {
    async save(bytes) {
      const sha256 = sha256Of(bytes);
      const partial = join(directory, `${randomUUID()}${partialSuffix}`);
      const file = await open(partial, "wx", 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(partial, pathOf(sha256));
      const folder = await open(directory, "r");
      try {
        await folder.sync();
      } finally {
        await folder.close();
      }
      return sha256;
    },
    async load(sha256) {
      const path = pathOf(sha256);
      try {
        const bytes = await readFile(path);
        return sha256Of(bytes) === sha256 ? bytes : undefined;
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
        throw error;
      }
    },
  };
}

function sha256Of(bytes: Uint8Array): string {
  return hash("sha256", bytes, "hex");
}
