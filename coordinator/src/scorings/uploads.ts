/** Assets on their way in: a file for each, which grows by the pieces that come. */
import { mkdir, open, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";

export interface Uploads {
  /** How many bytes of it are there. */
  size(id: string): Promise<number>;
  /** Writes a piece at its place, which is not beyond the end. */
  write(id: string, offset: number, piece: Uint8Array): Promise<void>;
  /** All of its bytes. */
  read(id: string): Promise<Uint8Array>;
  /** Forgets it, if it is there. */
  remove(id: string): Promise<void>;
}

/** Opens (or makes) the folder. */
export async function openUploads(directory: string): Promise<Uploads> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const pathOf = (id: string): string => join(directory, id);
  return {
    async size(id) {
      const found = await stat(pathOf(id)).catch((error: unknown) => {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") {
          return undefined;
        }
        throw error;
      });
      return found?.size ?? 0;
    },
    async write(id, offset, piece) {
      await using file = await open(pathOf(id), offset === 0 ? "w" : "r+", 0o600);
      await file.write(piece, 0, piece.length, offset);
    },
    read: (id) => readFile(pathOf(id)),
    remove: (id) => rm(pathOf(id), { force: true }),
  };
}
