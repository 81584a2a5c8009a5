/** What a file decodes to, in words that can be compared: the same module runs on Node and in the browser. */
import { readHdf5 } from "../src/hdf5.ts";
import { AssetError, readAnySplat, readAsset, type Splat } from "../src/index.ts";

export interface Description {
  /** `spz 2 in zstd`, or the code of what is wrong. */
  readonly people: string;
  readonly notes: readonly string[];
  /** As `people`, by the reader of what miners hand in. */
  readonly miners: string;
}

/** @param format of files that have no header */
export async function describeAsset(bytes: Uint8Array, format?: string): Promise<Description> {
  const options = { readHdf5, ...(format === undefined ? {} : { format }) };
  let notes: readonly string[] = [];
  const people = await inWords(async () => {
    const found = await readAnySplat(bytes, options);
    notes = found.notes;
    return `${found.format}: ${await hashOf(found.splat)}`;
  });
  return {
    people,
    notes,
    miners: await inWords(async () => hashOf(await readAsset(bytes, options))),
  };
}

async function inWords(read: () => Promise<string>): Promise<string> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof AssetError)) {
      throw error;
    }
    return error.code;
  }
}

/** SHA-256 of every column, bit for bit. */
async function hashOf(splat: Splat): Promise<string> {
  const hashes: string[] = [`${splat.count} of degree ${splat.shDegree}`];
  for (const [name, column] of Object.entries(splat)) {
    if (column instanceof Float32Array) {
      const bytes = new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
      const hash = await crypto.subtle.digest("SHA-256", Uint8Array.from(bytes));
      const words = Array.from(new Uint32Array(hash), (word) => word.toString(16));
      hashes.push(`${name} ${words.join("")}`);
    }
  }
  return hashes.join(", ");
}
