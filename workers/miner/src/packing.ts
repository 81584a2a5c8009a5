/** How an asset goes to the validator: its bytes, and what is declared of them. */
import { promisify } from "node:util";
import { zstdCompress } from "node:zlib";
import { readAsset, writeSpz } from "@turntable/splat";
import type { Packed } from "./store/index.ts";

/**
 * `as-is` sends what the generator made. `zstd` wraps files that are not compressed. `spz` turns them into SPZ, lossy
 * and about ten times smaller: what validators of 2025 take.
 */
export const packings = ["as-is", "zstd", "spz"] as const;
export type Packing = (typeof packings)[number];

const zstd = promisify(zstdCompress);

/** What the bytes are, by their beginning; undefined for bytes that no validator would take for an asset. */
export function assetKind(bytes: Buffer): "ply" | "hdf5" | "spz" | undefined {
  const start = bytes.subarray(0, 4).toString("latin1");
  // gzip, a zstd frame, or the magic of SPZ 4: what SPZ files are.
  if (start.startsWith("\x1f\x8b") || start === "\x28\xb5\x2f\xfd" || start === "NGSP") {
    return "spz";
  }
  return start.startsWith("ply") ? "ply" : start === "\x89HDF" ? "hdf5" : undefined;
}

/** @throws AssetError when they are to become SPZ and cannot be read, RangeError when they are no asset */
export async function pack(bytes: Buffer, packing: Packing): Promise<Packed> {
  const kind = assetKind(bytes);
  if (kind === undefined) {
    throw new RangeError("the bytes are no PLY, SPZ or HDF5");
  }
  if (kind === "spz") {
    return { bytes, format: "ply", compression: 2 };
  }
  switch (packing) {
    case "as-is":
      return { bytes, format: kind, compression: 0 };
    case "zstd":
      return { bytes: await zstd(bytes), format: kind, compression: 1 };
    case "spz":
      return {
        bytes: Buffer.from(writeSpz(await readAsset(bytes))),
        ...{ format: "ply", compression: 2 },
      };
  }
}
