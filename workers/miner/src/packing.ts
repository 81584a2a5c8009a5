/** How an asset goes to the validator: its bytes as text, and what is declared of them. */
import { promisify } from "node:util";
import { zstdCompress } from "node:zlib";
import { readAsset, writeSpz } from "@turntable/splat";

/**
 * `as-is` sends what the generator made. `zstd` wraps files that are not compressed. `spz` turns them into SPZ, lossy
 * and about ten times smaller: what validators of 2025 take.
 */
export const packings = ["as-is", "zstd", "spz"] as const;
export type Packing = (typeof packings)[number];

export interface Packed {
  readonly base64: string;
  /** Before base64. */
  readonly sizeBytes: number;
  /** The subnet's `data_format`: what the file is once it is unpacked. */
  readonly format: "ply" | "hdf5";
  /** The subnet's `compression`: 0 none, 1 zstd around the file, 2 SPZ. */
  readonly compression: 0 | 1 | 2;
}

const zstd = promisify(zstdCompress);

/**
 * Undefined for bytes that no validator would take for an asset.
 * @throws AssetError when they are to become SPZ and cannot be read.
 */
export async function pack(bytes: Buffer, packing: Packing): Promise<Packed | undefined> {
  const start = bytes.subarray(0, 4).toString("latin1");
  // gzip, or a zstd frame: what SPZ files are.
  if (start.startsWith("\x1f\x8b") || start === "\x28\xb5\x2f\xfd") {
    return packed(bytes, "ply", 2);
  }
  const format = start.startsWith("ply") ? "ply" : start === "\x89HDF" ? "hdf5" : undefined;
  if (format === undefined) {
    return undefined;
  }
  switch (packing) {
    case "as-is":
      return packed(bytes, format, 0);
    case "zstd":
      return packed(await zstd(bytes), format, 1);
    case "spz":
      return packed(writeSpz(await readAsset(bytes)), "ply", 2);
  }
}

function packed(
  bytes: Uint8Array,
  format: Packed["format"],
  compression: Packed["compression"],
): Packed {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
  return { base64, sizeBytes: bytes.byteLength, format, compression };
}
