/**
 * The layout of May 2024: datasets points N×3, normals N×3 (ignored), features_dc N×1×3, features_rest N×K×3,
 * opacities N×1, scale N×3, rotation N×4, sh_degree [1]; float32 or float64, in chunks under gzip.
 */
import { dcOfColour, logitOf, logOfDeviation } from "./activation.ts";
import { checkCount } from "./checks.ts";
import { checkMemory } from "./memory.ts";
import { AssetError, type AssetLimits, type ShDegree, type Splat, shRestCount } from "./splat.ts";

/** A dataset of an HDF5 file, whoever reads it. */
export interface Hdf5Dataset {
  readonly shape: readonly number[];
  /** The size of one element as it is stored, in bytes. */
  readonly elementBytes: number;
  /** @throws AssetError when they are no floats, or too large to be read */
  floats(): Float32Array;
  /** The first number of a small dataset. @throws AssetError */
  first(): number;
}

export interface Hdf5Content {
  readonly activated: boolean;
  /** Length of the file. */
  readonly contentBytes: number;
}

/** @param dataset by name @throws AssetError */
export function splatOfDatasets(
  dataset: (name: string) => Hdf5Dataset,
  limits: AssetLimits,
  { activated, contentBytes }: Hdf5Content,
): Splat {
  const points = dataset("points");
  const count = points.shape[0] ?? 0;
  if (count === 0) {
    throw new AssetError("empty", "the asset has no splats");
  }
  checkCount(count, limits);
  const declared = checkSizes(dataset, limits);
  const rest = dataset("features_rest");
  const shDegree = shDegreeOf(dataset("sh_degree"));
  const restCount = shRestCount(shDegree);
  const restStored = rest.shape[1] ?? 0;
  if (restStored < restCount || restStored > shRestCount(3)) {
    throw malformedHdf5(`features_rest has ${restStored} bands for degree ${shDegree}`);
  }
  // A dataset is unpacked beside the chunk that it comes from.
  const scratchBytes = 2 * declared;
  checkMemory({ count, restCount: restStored * 3, contentBytes, scratchBytes }, limits);
  const stored = floatsOf(rest, [count, restStored, 3]);
  const splat: Splat = {
    count,
    shDegree,
    positions: floatsOf(points, [count, 3]),
    scales: floatsOf(dataset("scale"), [count, 3]),
    rotations: floatsOf(dataset("rotation"), [count, 4]),
    opacities: floatsOf(dataset("opacities"), [count, 1]),
    shDc: floatsOf(dataset("features_dc"), [count, 1, 3]),
    shRest: restStored === restCount ? stored : firstBands(stored, count, restStored, restCount),
  };
  return activated ? deactivate(splat) : splat;
}

/**
 * Nothing has been unpacked until now: small files may declare much.
 * @returns the bytes of what is read below, unpacked
 */
function checkSizes(dataset: (name: string) => Hdf5Dataset, limits: AssetLimits): number {
  const names = ["points", "features_dc", "features_rest", "opacities", "scale", "rotation"];
  let declared = 0;
  for (const name of names) {
    const { shape, elementBytes } = dataset(name);
    declared += elementsOf(shape) * elementBytes;
  }
  if (declared > limits.maxDecompressedBytes) {
    throw new AssetError(
      "too-large",
      `the HDF5 file declares ${declared} bytes; at most ${limits.maxDecompressedBytes} are allowed`,
    );
  }
  return declared;
}

function shDegreeOf(dataset: Hdf5Dataset): ShDegree {
  if (elementsOf(dataset.shape) !== 1) {
    throw malformedHdf5("sh_degree is not one number");
  }
  const value = dataset.first();
  const degree = ([0, 1, 2, 3] as const).find((known) => known === value);
  if (degree === undefined) {
    throw malformedHdf5(`an SH degree of ${value}; 0 to 3 are known`);
  }
  return degree;
}

/** @throws AssetError when the shape is another, before anything is read */
function floatsOf(dataset: Hdf5Dataset, shape: readonly number[]): Float32Array {
  const actual = dataset.shape;
  if (actual.length !== shape.length || actual.some((size, axis) => size !== shape[axis])) {
    throw malformedHdf5(`a dataset is ${actual.join("×")}, not ${shape.join("×")}`);
  }
  return elementsOf(shape) === 0 ? new Float32Array(0) : dataset.floats();
}

export function elementsOf(shape: readonly number[]): number {
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

export function malformedHdf5(what: string): AssetError {
  return new AssetError("malformed", `not an HDF5 of Gaussian splats: ${what}`);
}
