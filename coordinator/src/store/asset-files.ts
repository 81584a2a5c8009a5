/**
 * Assets as files named by their SHA-256, so that the same bytes are stored once and cannot be mixed up. What was just
 * saved is as a rule wanted at once, for its job: until then it stays in memory, and is neither read nor hashed again.
 */
import { createHash, hash, randomUUID } from "node:crypto";
import {
  type FileHandle,
  mkdir,
  open,
  opendir,
  readFile,
  rename,
  rm,
  unlink,
} from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { isStorageFull, StorageFullError } from "./store-error.ts";

export interface AssetFiles {
  /**
   * Writes the bytes; they are on disk, folder included, when this returns. They may be kept in memory until they are
   * loaded, so nobody may change them afterwards.
   * @param sha256 in hex, where it is known: large assets take long to hash
   * @throws StorageFullError when there is no room; nothing is left of them then
   */
  save(bytes: Uint8Array, sha256?: string): Promise<SavedAsset>;
  /**
   * The bytes with this SHA-256 (64 hex digits); undefined when the asset is gone: there is no such file, or its bytes
   * are others.
   * @throws TypeError when `sha256` is no such hash
   */
  load(sha256: string): Promise<Uint8Array | undefined>;
  /**
   * The bytes piece by piece, as they are asked for, at most `chunkBytes` at a time; undefined when there is no such
   * file. Reading them from the first to the last throws when they are others than the hash says.
   * @param offset the first byte that is wanted
   * @throws TypeError when `sha256` is no such hash
   */
  read(sha256: string, offset?: number): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Removes the file; false when there is none, or somebody has just saved those bytes and still holds them. */
  remove(sha256: string): Promise<boolean>;
  /**
   * The SHA-256 of each file, in no order and as the folder is read, so that a long walk may be paused anywhere. Files
   * that are none of ours are passed over; what an interrupted `save` left is removed on the way.
   */
  walk(): AsyncGenerator<string>;
}

/** The bytes are on disk, and no `remove` touches them until this is disposed: by then somebody refers to them. */
export interface SavedAsset extends Disposable {
  /** In hex. */
  readonly sha256: string;
}

const partialSuffix = ".partial";
/** The most that is kept in memory for the first load, of all assets together: some dozens of usual size, in bytes. */
const defaultFreshBytes = 64 * 1024 * 1024;
/** What a reader holds of a file at one time. */
const chunkBytes = 256 * 1024;
/** How many names of the folder are read at a time. */
const namesAtOnce = 256;

/**
 * Opens (or makes) the folder and removes what an interrupted `save` left.
 * @param freshBytes how much may be kept in memory for the first load
 */
export async function openAssetFiles(
  directory: string,
  { freshBytes = defaultFreshBytes }: { readonly freshBytes?: number } = {},
): Promise<AssetFiles> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const pathOf = (sha256: string): string => {
    if (!isSha256(sha256)) {
      throw new TypeError(`not a SHA-256 in hex: ${sha256}`);
    }
    return join(directory, sha256);
  };
  const fresh = createFreshAssets(freshBytes);
  /** Names of the partial files that are being written. */
  const writing = new Set<string>();
  /** How many hold each asset. */
  const held = new Map<string, number>();
  const removing = new Map<string, Promise<boolean>>();
  const hold = (sha256: string): Disposable => {
    held.set(sha256, (held.get(sha256) ?? 0) + 1);
    return {
      [Symbol.dispose]() {
        const left = (held.get(sha256) ?? 1) - 1;
        if (left === 0) {
          held.delete(sha256);
        } else {
          held.set(sha256, left);
        }
      },
    };
  };

  const write = async (sha256: string, bytes: Uint8Array): Promise<void> => {
    const name = `${randomUUID()}${partialSuffix}`;
    const partial = join(directory, name);
    writing.add(name);
    try {
      await writeSynced(partial, bytes);
      await removing.get(sha256); // it would take the new file
      await rename(partial, pathOf(sha256));
      await syncFolder(directory);
    } catch (error) {
      await rm(partial, { force: true });
      if (!isStorageFull(error)) {
        throw error;
      }
      throw new StorageFullError("the disk is full", { cause: error });
    } finally {
      writing.delete(name);
    }
  };

  async function* walk(): AsyncGenerator<string> {
    for await (const { name } of await opendir(directory, { bufferSize: namesAtOnce })) {
      if (isSha256(name)) {
        yield name;
      } else if (name.endsWith(partialSuffix) && !writing.has(name)) {
        await rm(join(directory, name), { force: true });
      }
    }
  }

  for await (const _ of walk()) {
  } // for what is removed on the way
  return {
    async save(bytes, sha256 = hash("sha256", bytes, "hex")) {
      const holding = hold(sha256);
      try {
        await write(sha256, bytes);
      } catch (error) {
        holding[Symbol.dispose]();
        throw error;
      }
      fresh.keep(sha256, bytes);
      return { sha256, ...holding };
    },
    async load(sha256) {
      const path = pathOf(sha256);
      const kept = fresh.take(sha256);
      if (kept !== undefined) {
        return kept;
      }
      try {
        const bytes = await readFile(path);
        return (await sha256InSteps(bytes)) === sha256 ? bytes : undefined;
      } catch (error) {
        if (isMissing(error)) {
          return undefined;
        }
        throw error;
      }
    },
    async read(sha256, offset = 0) {
      try {
        return chunksOf(await open(pathOf(sha256), "r"), sha256, offset);
      } catch (error) {
        if (isMissing(error)) {
          return undefined;
        }
        throw error;
      }
    },
    async remove(sha256) {
      const path = pathOf(sha256);
      if (held.has(sha256)) {
        return false;
      }
      fresh.take(sha256);
      const removal = unlink(path).then(
        () => true,
        (error: unknown) => {
          if (isMissing(error)) {
            return false;
          }
          throw error;
        },
      );
      removing.set(
        sha256,
        removal.catch(() => false),
      );
      try {
        return await removal;
      } finally {
        removing.delete(sha256);
      }
    },
    walk,
  };
}

/** Closes the file when it was read, or nobody goes on with it. */
async function* chunksOf(
  file: FileHandle,
  sha256: string,
  offset: number,
): AsyncGenerator<Uint8Array> {
  await using _file = file;
  const found = createHash("sha256");
  for (let position = offset; ; ) {
    const chunk = Buffer.allocUnsafeSlow(chunkBytes);
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, position);
    if (bytesRead === 0) {
      break;
    }
    position += bytesRead;
    const bytes = chunk.subarray(0, bytesRead);
    found.update(bytes);
    yield bytes;
  }
  if (offset === 0 && found.digest("hex") !== sha256) {
    throw new Error(`the file of the asset ${sha256} is broken`);
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, "wx", 0o600);
  await file.writeFile(bytes);
  await file.sync();
}

/** Brings the names in a folder onto the disk. */
export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}

export function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** Whether the system says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** Assets that were saved and not loaded yet; the oldest go when there are too many. */
function createFreshAssets(limitBytes: number) {
  const kept = new Map<string, Uint8Array>();
  let keptBytes = 0;
  const take = (sha256: string): Uint8Array | undefined => {
    const bytes = kept.get(sha256);
    if (kept.delete(sha256)) {
      keptBytes -= bytes?.byteLength ?? 0;
    }
    return bytes;
  };
  return {
    take,
    keep(sha256: string, bytes: Uint8Array): void {
      take(sha256);
      if (bytes.byteLength > limitBytes) {
        return;
      }
      kept.set(sha256, bytes);
      keptBytes += bytes.byteLength;
      for (const oldest of kept.keys()) {
        if (keptBytes <= limitBytes) {
          return;
        }
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
