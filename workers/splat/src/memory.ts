/**
 * What one asset takes of a process that reads and draws it, worked out from what its header declares: before anything
 * is unpacked or allocated for it. An upper bound, held against real assets by a test of the worker.
 */
import { AssetError, type AssetLimits } from "./splat.ts";

export interface AssetNeeds {
  readonly count: number;
  /** Coefficients of harmonics above band 0 a splat, of all channels. */
  readonly restCount: number;
  /** The file as it is read: unpacked. */
  readonly contentBytes: number;
  /** What reading it needs beside the content and the splat. */
  readonly scratchBytes: number;
}

/** Position, scale, rotation, opacity, colour. */
const splatFloats = 14;
/** Position, covariance, opacity, colour. */
const sceneFloats = 13;
/** As the rasteriser has it: positions, covariances and opacities in columns, four floats a coefficient of all channels. */
const drawnFloats = 14;
/** Orders of all splats: which are seen, and two to sort a view by, with two threads. */
const orderBytes = 24;
/** Lists of the tiles of views, pictures, and what is garbage until it is collected. */
const fixedBytes = 96 * 1024 * 1024;

const mebibyte = 1024 * 1024;

/** @throws AssetError `too-much-memory` */
export function checkMemory(
  { count, restCount, contentBytes, scratchBytes }: AssetNeeds,
  { maxMemoryBytes }: AssetLimits,
): void {
  const floats = splatFloats + restCount + sceneFloats + restCount;
  const drawn = drawnFloats + (restCount * 4) / 3;
  const ofSplats = count * ((floats + drawn) * 4 + orderBytes);
  const needed = contentBytes + scratchBytes + ofSplats + fixedBytes;
  if (needed <= maxMemoryBytes) {
    return;
  }
  const [takes, most, unpacked] = [needed, maxMemoryBytes, contentBytes].map((bytes) =>
    Math.ceil(bytes / mebibyte),
  );
  throw new AssetError(
    "too-much-memory",
    `to read and draw the asset would take ${takes} MiB of memory (${count} splats with ${restCount} coefficients of ` +
      `harmonics each, ${unpacked} MiB unpacked); at most ${most} are allowed: use fewer splats, fewer bands, or a binary format`,
  );
}

/** The limits for what is inside of `heldBytes`, which are there as long as it is read. */
export function limitsBeside(heldBytes: number, limits: AssetLimits): AssetLimits {
  return { ...limits, maxMemoryBytes: limits.maxMemoryBytes - heldBytes };
}
