/**
 * HDF5 as h5py and the subnet's miners write it, read without the HDF5 library: superblock 0, one group, datasets of
 * plain little-endian numbers, contiguous or in chunks under gzip. That is several times as fast, since the library
 * needs a thread of its own and four megabytes of WebAssembly. Whatever looks unusual, or broken, is left to the library,
 * which also says what is wrong with it: here nothing is refused but what every reader refuses.
 * Source: HDF5 File Format Specification 3.0; the numbers of its sections stand at what follows them.
 *
 * P1: nothing outside of the file is read, and no place twice in a tree, so a broken file ends.
 * P2: no more is unpacked than the datasets declare, which is within the limits, and what pads the chunks at their edges.
 */
import { elementsOf, type Hdf5Dataset, malformedHdf5, splatOfDatasets } from "../hdf5-datasets.ts";
import { AssetError, type AssetLimits, type Splat } from "../splat.ts";
import {
  isDeflateAlone,
  membersOf,
  messages,
  messagesOf,
  type NumberType,
  shapeAt,
  typeAt,
} from "./headers.ts";
import { PlainFile, Unusual } from "./plain-file.ts";
import { contentOf } from "./storage.ts";

const limitCodes = ["empty", "too-many-splats", "too-large", "too-much-memory"];

/** Not yet checked. Undefined where the library has to look. @throws AssetError for what a limit forbids */
export function decodePlainHdf5(
  bytes: Uint8Array,
  limits: AssetLimits,
  activated: boolean,
): Splat | undefined {
  try {
    const file = new PlainFile(bytes);
    const places = membersOf(file);
    const dataset = (name: string): Hdf5Dataset => {
      const place = places.get(name);
      if (place === undefined) {
        throw malformedHdf5(`dataset "${name}" is missing`);
      }
      return plainDataset(file, place);
    };
    return splatOfDatasets(dataset, limits, { activated, contentBytes: bytes.length });
  } catch (error) {
    const isForLibrary = error instanceof Unusual || error instanceof RangeError;
    if (isForLibrary) {
      return undefined;
    }
    const isLimit = error instanceof AssetError && limitCodes.includes(error.code);
    if (error instanceof AssetError && !isLimit) {
      return undefined;
    }
    throw error;
  }
}

function plainDataset(file: PlainFile, place: number): Hdf5Dataset {
  const found = messagesOf(file, place);
  const at = (type: number): number => {
    const body = found.get(type);
    if (body === undefined) {
      throw new Unusual("a dataset without what it needs");
    }
    return body;
  };
  if (found.has(messages.externalFiles)) {
    throw new Unusual("data in other files");
  }
  const shape = shapeAt(file, at(messages.dataspace));
  const type = typeAt(file, at(messages.datatype));
  const filters = found.get(messages.filters);
  const isDeflated = filters !== undefined && isDeflateAlone(file, filters);
  const content = (): DataView => {
    const bytes = contentOf(file, at(messages.layout), { shape, ...type, isDeflated });
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  };
  return {
    shape,
    elementBytes: type.elementBytes,
    floats: () => floatsIn(content(), type, elementsOf(shape)),
    first: () => firstIn(content(), type),
  };
}

function floatsIn(view: DataView, { kind, elementBytes }: NumberType, count: number): Float32Array {
  if (kind !== "float") {
    throw new Unusual("no floats");
  }
  const values = new Float32Array(count);
  if (elementBytes === 4) {
    for (let i = 0; i < count; i++) {
      values[i] = view.getFloat32(i * 4, true);
    }
  } else {
    for (let i = 0; i < count; i++) {
      values[i] = view.getFloat64(i * 8, true);
    }
  }
  return values;
}

function firstIn(view: DataView, { kind, elementBytes }: NumberType): number {
  if (kind === "float") {
    return floatsIn(view, { kind, elementBytes }, 1)[0] ?? Number.NaN;
  }
  if (elementBytes === 8) {
    return Number(kind === "signed" ? view.getBigInt64(0, true) : view.getBigUint64(0, true));
  }
  if (elementBytes === 4) {
    return kind === "signed" ? view.getInt32(0, true) : view.getUint32(0, true);
  }
  if (elementBytes === 2) {
    return kind === "signed" ? view.getInt16(0, true) : view.getUint16(0, true);
  }
  return kind === "signed" ? view.getInt8(0) : view.getUint8(0);
}
