/**
 * The layout of May 2024: datasets points N×3, normals N×3 (ignored), features_dc N×1×3, features_rest N×K×3,
 * opacities N×1, scale N×3, rotation N×4, sh_degree [1]; float32 or float64, in chunks under gzip.
 */
import h5wasm, { type Dataset, type File } from "h5wasm";
import { dcOfColour, logitOf, logOfDeviation } from "./activation.ts";
import { checkCount } from "./checks.ts";
import { AssetError, type AssetLimits, type ShDegree, type Splat, shRestCount } from "./splat.ts";

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
    file = new h5wasm.File(path, "r");
    if (file.file_id < 0n) throw new AssetError("malformed", "the HDF5 file is damaged");
    return readDatasets(file, limits, activated);
  } catch (cause) {
    if (cause instanceof AssetError) throw cause;
    throw new AssetError("malformed", "the HDF5 file is damaged", { cause });
  } finally {
    file?.close();
    FS.unlink(path);
  }
}

function readDatasets(file: File, limits: AssetLimits, activated: boolean): Splat {
  const points = dataset(file, "points");
  const count = points.shape?.[0] ?? 0;
  if (count === 0) throw new AssetError("empty", "the asset has no splats");
  checkCount(count, limits);
  checkSizes(file, limits);
  const rest = dataset(file, "features_rest");
  const shDegree = readShDegree(file);
  const restCount = shRestCount(shDegree);
  const restStored = rest.shape?.[1] ?? 0;
  if (restStored < restCount || restStored > shRestCount(3)) {
    throw malformed(`features_rest has ${restStored} bands for degree ${shDegree}`);
  }
  const stored = readFloats(rest, [count, restStored, 3]);
  const splat: Splat = {
    count,
    shDegree,
    positions: readFloats(points, [count, 3]),
    scales: readFloats(dataset(file, "scale"), [count, 3]),
    rotations: readFloats(dataset(file, "rotation"), [count, 4]),
    opacities: readFloats(dataset(file, "opacities"), [count, 1]),
    shDc: readFloats(dataset(file, "features_dc"), [count, 1, 3]),
    shRest: restStored === restCount ? stored : firstBands(stored, count, restStored, restCount),
  };
  return activated ? deactivate(splat) : splat;
}

/** What is read below, unpacked. Nothing has been until now: small files may declare much. */
function checkSizes(file: File, limits: AssetLimits): void {
  const names = ["points", "features_dc", "features_rest", "opacities", "scale", "rotation"];
  let declared = 0;
  for (const name of names) {
    const { shape, metadata } = dataset(file, name);
    declared += elements(shape ?? []) * metadata.size;
  }
  if (declared > limits.maxDecompressedBytes) {
    throw new AssetError(
      "too-large",
      `the HDF5 file declares ${declared} bytes; at most ${limits.maxDecompressedBytes} are allowed`,
    );
  }
}

function dataset(file: File, name: string): Dataset {
  const found = file.get(name);
  if (!(found instanceof h5wasm.Dataset)) throw malformed(`dataset "${name}" is missing`);
  return found;
}

function readShDegree(file: File): ShDegree {
  const found = dataset(file, "sh_degree");
  if (elements(found.shape ?? []) !== 1) throw malformed("sh_degree is not one number");
  checkStorage(found);
  const value: unknown = found.value;
  const [first] = ArrayBuffer.isView(value) && "at" in value ? [...iterable(value)] : [value];
  const degree = ([0, 1, 2, 3] as const).find((known) => known === Number(first));
  if (degree === undefined) throw malformed(`an SH degree of ${String(first)}; 0 to 3 are known`);
  return degree;
}

function iterable(value: ArrayBufferView): Iterable<unknown> {
  return value as ArrayBufferView & Iterable<unknown>; // every typed array is
}

/** @throws AssetError when the shape is another, or before too much is read */
function readFloats(found: Dataset, shape: readonly number[]): Float32Array {
  const actual = found.shape ?? [];
  if (actual.length !== shape.length || actual.some((size, axis) => size !== shape[axis])) {
    throw malformed(`a dataset is ${actual.join("×")}, not ${shape.join("×")}`);
  }
  if (elements(shape) === 0) return new Float32Array(0);
  checkStorage(found);
  const value: unknown = found.value;
  if (value instanceof Float32Array) return value;
  if (value instanceof Float64Array) return Float32Array.from(value);
  throw malformed("a dataset holds no floating point numbers");
}

/** Elements of another kind than plain numbers can be of any size, and chunks larger than the dataset. */
function checkStorage({ metadata }: Dataset): void {
  const { type, vlen, size, chunks } = metadata;
  const isNumber = (type === 0 || type === 1) && !vlen && size <= 8;
  if (!isNumber) throw malformed("a dataset holds no plain numbers");
  if (type === 1 && size < 4) throw malformed(`floats of ${size * 8} bits; 32 and 64 are read`);
  if (elements(chunks ?? []) * size > maxChunkBytes) {
    throw new AssetError("too-large", `chunks of an HDF5 may have ${maxChunkBytes} bytes`);
  }
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function firstBands(stored: Float32Array, count: number, from: number, to: number): Float32Array {
  const bands = new Float32Array(count * to * 3);
  for (let i = 0; i < count; i++) {
    bands.set(stored.subarray(i * from * 3, (i * from + to) * 3), i * to * 3);
  }
  return bands;
}

/** Back to what is stored elsewhere. */
function deactivate(splat: Splat): Splat {
  return {
    ...splat,
    opacities: splat.opacities.map(logitOf),
    scales: splat.scales.map(logOfDeviation),
    shDc: splat.shDc.map(dcOfColour),
  };
}

function malformed(what: string): AssetError {
  return new AssetError("malformed", `not an HDF5 of Gaussian splats: ${what}`);
}

/** In this thread. */
export function writeHdf5Here(splat: Splat): Uint8Array {
  const { count, shDegree } = splat;
  const file = new h5wasm.File(path, "w");
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
