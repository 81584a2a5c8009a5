/** Watches that the data directory's disk keeps a reserve, so that what was taken can always be finished. */
import { statfs } from "node:fs/promises";

export interface DiskSpace {
  /** Looks how much is free; to be called about every second. */
  check(): Promise<void>;
  /** Why nothing more should be taken, as of the last look; undefined while there is room. */
  lack(): string | undefined;
  /** Free bytes as of the last look; infinite before it. */
  freeBytes(): number;
}

export interface DiskSpaceOptions {
  /** On the disk that is watched. */
  readonly directory: string;
  /** Free bytes below which nothing more is taken. */
  readonly reserveBytes: number;
  /** Free bytes of the disk that `directory` is on; the system's answer by default. */
  readonly freeBytes?: (directory: string) => Promise<number>;
}

/** Nothing lacks until the first look. */
export function createDiskSpace(options: DiskSpaceOptions): DiskSpace {
  const { directory, reserveBytes, freeBytes = systemFreeBytes } = options;
  let free = Number.POSITIVE_INFINITY;
  return {
    async check() {
      free = await freeBytes(directory);
    },
    freeBytes: () => free,
    lack: () =>
      free >= reserveBytes
        ? undefined
        : `the disk is nearly full: ${mebibytes(free)} MiB are free, ${mebibytes(reserveBytes)} MiB are the reserve`,
  };
}

async function systemFreeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

function mebibytes(bytes: number): string {
  return Math.floor(bytes / 1024 ** 2).toString();
}
