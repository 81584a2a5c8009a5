/** HDF5 by the HDF5 library itself, whatever the layout of the file. */
import h5wasm, { type Dataset, type File } from "h5wasm";
import { elementsOf, type Hdf5Dataset, malformedHdf5, splatOfDatasets } from "./hdf5-datasets.ts";
import { AssetError, type AssetLimits, type Splat, shRestCount } from "./splat.ts";

const { FS } = await h5wasm.ready;
/** In the library's own file system, in memory: links of a hostile file lead nowhere. */
const path = "asset.h5";
/** A chunk is held in memory as a whole; real ones are below 1 MB. */
const maxChunkBytes = 64 * 1024 * 1024;
const gzipLevel = 9;

/** In this thread. Sizes are checked before anything is read. @throws AssetError */
export function readHdf5Here(bytes: Uint8Array, limits: AssetLimits, activated: boolean): Splat {
  FS.writeFile(path, bytes);
  let file: File | undefined;
  try {
    const opened = new h5wasm.File(path, "r");
    file = opened;
    if (opened.file_id < 0n) {
      throw new AssetError("malformed", "the HDF5 file is damaged");
    }
    return splatOfDatasets((name) => datasetOf(opened, name), limits, {
      activated,
      contentBytes: bytes.length,
    });
  } catch (cause) {
    if (cause instanceof AssetError) {
      throw cause;
    }
    throw new AssetError("malformed", "the HDF5 file is damaged", { cause });
  } finally {
    file?.close();
    FS.unlink(path);
  }
}

function datasetOf(file: File, name: string): Hdf5Dataset {
  const found = file.get(name);
  if (!(found instanceof h5wasm.Dataset)) {
    throw malformedHdf5(`dataset "${name}" is missing`);
  }
  return {
    shape: found.shape ?? [],
    elementBytes: found.metadata.size,
    floats() {
      checkStorage(found);
      const value: unknown = found.value;
      if (value instanceof Float32Array) {
        return value;
      }
      if (value instanceof Float64Array) {
        return Float32Array.from(value);
      }
      throw malformedHdf5("a dataset holds no floating point numbers");
    },
    first() {
      checkStorage(found);
      const value: unknown = found.value;
      const [first] = ArrayBuffer.isView(value) && "at" in value ? [...iterable(value)] : [value];
      return Number(first);
    },
  };
}

function iterable(value: ArrayBufferView): Iterable<unknown> {
  return value as ArrayBufferView & Iterable<unknown>; // every typed array is
}

/** Elements of another kind than plain numbers can be of any size, and chunks larger than the dataset. */
function checkStorage({ metadata }: Dataset): void {
  const { type, vlen, size, chunks } = metadata;
  const isNumber = (type === 0 || type === 1) && !vlen && size <= 8;
  if (!isNumber) {
    throw malformedHdf5("a dataset holds no plain numbers");
  }
  if (type === 1 && size < 4) {
    throw malformedHdf5(`floats of ${size * 8} bits; 32 and 64 are read`);
  }
  if (elementsOf(chunks ?? []) * size > maxChunkBytes) {
    throw new AssetError("too-large", `chunks of an HDF5 may have ${maxChunkBytes} bytes`);
  }
}

/** In this thread. */
export function writeHdf5Here(splat: Splat): Uint8Array {
  const { count, shDegree } = splat;
  // As h5py writes, and as every version of the library reads.
  const file = new h5wasm.File(path, "w", { libver: ["earliest", "latest"] });
  const put = (name: string, shape: readonly number[], data: Float32Array): void => {
    const chunks = shape.map((size, axis) =>
      axis === 0 ? Math.min(size, 4096) : Math.max(1, size),
    );
    file.create_dataset({ name, data, shape: [...shape], chunks, compression: gzipLevel });
  };
  put("points", [count, 3], splat.positions);
  put("normals", [count, 3], new Float32Array(count * 3));
  put("features_dc", [count, 1, 3], splat.shDc);
  put("features_rest", [count, shRestCount(shDegree), 3], splat.shRest);
  put("opacities", [count, 1], splat.opacities);
  put("scale", [count, 3], splat.scales);
  put("rotation", [count, 4], splat.rotations);
  file.create_dataset({ name: "sh_degree", data: new Int32Array([shDegree]), shape: [1] });
  file.close();
  const bytes = FS.readFile(path);
  FS.unlink(path);
  return bytes;
}
