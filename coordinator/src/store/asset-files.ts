/**
 * Assets as files named by their SHA-256, so that the same bytes are stored once and cannot be mixed up. What was just
 * saved is as a rule wanted at once, for its job: until then it stays in memory, and is neither read nor hashed again.
 */
import { createHash, hash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";

export interface AssetFiles {
  /**
   * Writes the bytes; they are on disk, folder included, when this returns. They may be kept in memory until they are
   * loaded, so nobody may change them afterwards.
   * @param sha256 in hex, where it is known: large assets take long to hash
   * @returns their SHA-256 in hex
   */
  save(bytes: Uint8Array, sha256?: string): Promise<string>;
  /**
   * The bytes with this SHA-256 (64 hex digits); undefined when the asset is gone: there is no such file, or its bytes
   * are others.
   * @throws TypeError when `sha256` is no such hash
   */
  load(sha256: string): Promise<Uint8Array | undefined>;
}

const partialSuffix = ".partial";
/** The most that is kept in memory for the first load, of all assets together: some dozens of usual size, in bytes. */
const defaultFreshBytes = 64 * 1024 * 1024;

/**
 * Opens (or makes) the folder and removes what an interrupted `save` left.
 * @param freshBytes how much may be kept in memory for the first load
 */
export async function openAssetFiles(
  directory: string,
  { freshBytes = defaultFreshBytes }: { readonly freshBytes?: number } = {},
): Promise<AssetFiles> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  for (const name of await readdir(directory)) {
    if (name.endsWith(partialSuffix)) await rm(join(directory, name), { force: true });
  }
  const pathOf = (sha256: string): string => {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new TypeError(`not a SHA-256 in hex: ${sha256}`);
    return join(directory, sha256);
  };
  const fresh = createFreshAssets(freshBytes);
  return {
    async save(bytes, sha256 = hash("sha256", bytes, "hex")) {
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
      fresh.keep(sha256, bytes);
      return sha256;
    },
    async load(sha256) {
      const path = pathOf(sha256);
      const kept = fresh.take(sha256);
      if (kept !== undefined) return kept;
      try {
        const bytes = await readFile(path);
        return (await sha256InSteps(bytes)) === sha256 ? bytes : undefined;
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
        throw error;
      }
    },
  };
}

/** Assets that were saved and not loaded yet; the oldest go when there are too many. */
function createFreshAssets(limitBytes: number) {
  const kept = new Map<string, Uint8Array>();
  let keptBytes = 0;
  const take = (sha256: string): Uint8Array | undefined => {
    const bytes = kept.get(sha256);
    if (kept.delete(sha256)) keptBytes -= bytes?.byteLength ?? 0;
    return bytes;
  };
  return {
    take,
    keep(sha256: string, bytes: Uint8Array): void {
      take(sha256);
      if (bytes.byteLength > limitBytes) return;
      kept.set(sha256, bytes);
      keptBytes += bytes.byteLength;
      for (const oldest of kept.keys()) {
        if (keptBytes <= limitBytes) return;
        take(oldest);
      }
    },
  };
}

/** Bytes hashed in one go: about a millisecond. */
const hashStepBytes = 1024 * 1024;

/** Gives way to others after each step: the largest assets take a tenth of a second. */
async function sha256InSteps(bytes: Uint8Array): Promise<string> {
  const sha256 = createHash("sha256");
  for (let at = 0; at < bytes.length; at += hashStepBytes) {
    sha256.update(bytes.subarray(at, at + hashStepBytes));
    await setImmediate();
  }
  return sha256.digest("hex");
}
