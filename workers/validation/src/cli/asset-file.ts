/** Assets as files: the extension says what the bytes cannot. */
import { readFile, writeFile } from "node:fs/promises";
import { readAsset, type Splat, writePly, writeSpz } from "@turntable/splat";
import { readHdf5, writeHdf5 } from "@turntable/splat/hdf5";
import { UsageError } from "./arguments.ts";

/**
 * @param activated an HDF5 of the subnet's `data_ver` 1 and above
 * @throws AssetError, or Node's own error when the file cannot be read
 */
export async function readAssetFile(file: string, activated = false): Promise<Splat> {
  return await decodeAssetFile(file, await readFile(file), activated);
}

/** `bytes` being what is in `file`. @throws AssetError */
export async function decodeAssetFile(
  file: string,
  bytes: Uint8Array,
  activated = false,
): Promise<Splat> {
  return await readAsset(bytes, {
    readHdf5,
    activated,
    ...(/\.splat$/i.test(file) ? { format: "splat" } : {}),
  });
}

/** By extension: `.ply`, `.spz` (version 2 in zstd, what the subnet reads), `.h5` or `.hdf5`. */
const writers: Readonly<Record<string, (splat: Splat) => Promise<Uint8Array> | Uint8Array>> = {
  ply: writePly,
  spz: writeSpz,
  h5: writeHdf5,
  hdf5: writeHdf5,
};

/** @throws UsageError when the extension is none of a format that is written */
export async function writeAssetFile(file: string, splat: Splat): Promise<void> {
  const extension = /\.([a-z0-9]+)$/i.exec(file)?.[1]?.toLowerCase() ?? "";
  const write = Object.hasOwn(writers, extension) ? writers[extension] : undefined;
  if (write === undefined) {
    throw new UsageError(`${file}: the name must end in .${Object.keys(writers).join(", .")}`);
  }
  await writeFile(file, await write(splat));
}
