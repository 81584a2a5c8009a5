/** An asset in the format that a file's name asks for. */
import { AssetError, readAsset, type Splat, writePly, writeSpz } from "@turntable/splat";

/** What is written by extension; h5wasm is loaded only when it is needed. */
const writers: Readonly<Record<string, (splat: Splat) => Promise<Uint8Array> | Uint8Array>> = {
  ply: writePly,
  spz: writeSpz,
  h5: async (splat) => (await import("@turntable/splat/hdf5")).writeHdf5(splat),
};

/** The asset cannot be read, so it cannot be converted. */
export class ConversionError extends Error {
  override name = "ConversionError";
  readonly code = "conversion";
}

export function isWritable(extension: string): boolean {
  return Object.hasOwn(writers, extension);
}

/**
 * @param activated an HDF5 of the subnet's `data_ver` 1 and above
 * @throws ConversionError
 */
export async function convertAsset(
  bytes: Uint8Array,
  extension: string,
  activated: boolean,
): Promise<Uint8Array> {
  const write = writers[extension];
  if (write === undefined) {
    throw new ConversionError(`.${extension} is no format that is written`);
  }
  try {
    const splat = await readAsset(bytes, {
      activated,
      readHdf5: async (...args) => (await import("@turntable/splat/hdf5")).readHdf5(...args),
    });
    return await write(splat);
  } catch (error) {
    if (!(error instanceof AssetError)) {
      throw error;
    }
    throw new ConversionError(
      `the asset cannot be made .${extension}: ${error.message}; --raw keeps the bytes as they are`,
      { cause: error },
    );
  }
}
