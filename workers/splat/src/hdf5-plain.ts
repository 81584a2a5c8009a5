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
import { elementsOf, type Hdf5Dataset, malformedHdf5, splatOfDatasets } from "./hdf5-datasets.ts";
import { isHdf5 } from "./hdf5-signature.ts";
import { inflateZlibOf } from "./packing/codecs.ts";
import { AssetError, type AssetLimits, type Splat } from "./splat.ts";
import { textOf } from "./text.ts";

/** Not for this reader; perhaps for the library. */
class Unusual extends Error {
  override name = "Unusual";
}

/** Not yet checked. Undefined where the library has to look. @throws AssetError for what a limit forbids */
export function decodePlainHdf5(
  bytes: Uint8Array,
  limits: AssetLimits,
  activated: boolean,
): Splat | undefined {
  try {
    const file = new PlainFile(bytes);
    const places = file.root();
    const dataset = (name: string): Hdf5Dataset => {
      const place = places.get(name);
      if (place === undefined) {
        throw malformedHdf5(`dataset "${name}" is missing`);
      }
      return plainDataset(file, place);
    };
    return splatOfDatasets(dataset, limits, activated);
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

/**
 * The bytes behind the signature in a usual superblock: version 0 of all, addresses and lengths of 8 bytes, trees of the
 * usual width, no flags, base 0, no list of free space. Files that begin otherwise are not read here.
 */
const usualStart = [
  ...[0, 0, 0, 0, 0, 8, 8, 0, 4, 0, 16, 0, 0, 0, 0, 0],
  ...[0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255],
];
const limitCodes = ["empty", "too-many-splats", "too-large"];
const mostNodes = 100_000;

/** Numbers of a file at places of it; a `DataView` throws a RangeError beyond its end (P1). */
class PlainFile {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** Nodes of trees that were seen. */
  readonly #seen = new Set<number>();

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u8(at: number): number {
    return this.view.getUint8(at);
  }

  u16(at: number): number {
    return this.view.getUint16(at, true);
  }

  u32(at: number): number {
    return this.view.getUint32(at, true);
  }

  /** An address or a length. */
  u64(at: number): number {
    const value = this.view.getBigUint64(at, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new Unusual("an address of nothing");
    }
    return Number(value);
  }

  slice(at: number, length: number): Uint8Array {
    if (at + length > this.bytes.length) {
      throw new Unusual("beyond the end");
    }
    return this.bytes.subarray(at, at + length);
  }

  expect(at: number, signature: string): void {
    if (textOf(this.slice(at, signature.length)) !== signature) {
      throw new Unusual(signature);
    }
  }

  /** A node of a tree, once. */
  visit(at: number): void {
    if (this.#seen.has(at) || this.#seen.size > mostNodes) {
      throw new Unusual("a loop");
    }
    this.#seen.add(at);
  }

  /** Object headers of the root's members by name. II.A.1, III.A to III.D */
  root(): ReadonlyMap<string, number> {
    const isUsual =
      isHdf5(this.bytes) &&
      usualStart.every((byte, index) => this.bytes[8 + index] === byte) &&
      this.u64(40) === this.bytes.length;
    if (!isUsual) {
      throw new Unusual("a superblock of another kind");
    }
    const table = messagesOf(this, this.u64(64)).get(messages.symbolTable);
    if (table === undefined) {
      throw new Unusual("a root of another kind");
    }
    const heap = this.u64(table + 8);
    this.expect(heap, "HEAP");
    const names = this.slice(this.u64(heap + 24), this.u64(heap + 8));
    const places = new Map<string, number>();
    this.#members(this.u64(table), (nameAt, place) => {
      const end = names.indexOf(0, nameAt);
      places.set(textOf(names.subarray(nameAt, end < 0 ? names.length : end)), place);
    });
    return places;
  }

  #members(node: number, found: (nameAt: number, place: number) => void): void {
    this.visit(node);
    this.expect(node, "TREE");
    const [level, used] = [this.u8(node + 5), this.u16(node + 6)];
    for (let i = 0; i < used; i++) {
      const child = this.u64(node + 24 + 8 + i * 16);
      if (level > 0) {
        this.#members(child, found);
        continue;
      }
      this.visit(child);
      this.expect(child, "SNOD");
      const symbols = this.u16(child + 6);
      for (let k = 0; k < symbols; k++) {
        const entry = child + 8 + k * 40;
        found(this.u64(entry), this.u64(entry + 8));
      }
    }
  }
}

/** IV.A.2 */
const messages = {
  dataspace: 0x1,
  datatype: 0x3,
  externalFiles: 0x7,
  layout: 0x8,
  filters: 0xb,
  continuation: 0x10,
  symbolTable: 0x11,
} as const;

/** Where each message of an object header begins, by its type; the first of each. IV.A.1.a */
function messagesOf(file: PlainFile, header: number): ReadonlyMap<number, number> {
  if (file.u8(header) !== 1) {
    throw new Unusual("an object header of another version");
  }
  const found = new Map<number, number>();
  const blocks = [{ at: header + 16, end: header + 16 + file.u32(header + 8) }];
  let left = file.u16(header + 2);
  for (const { at: start, end } of blocks) {
    for (let at = start; at + 8 <= end && left > 0; left--) {
      const [type, size, flags] = [file.u16(at), file.u16(at + 2), file.u8(at + 4)];
      const body = at + 8;
      if ((flags & 2) !== 0) {
        throw new Unusual("a message that is kept elsewhere");
      }
      if (type === messages.continuation) {
        const next = file.u64(body);
        file.visit(next);
        blocks.push({ at: next, end: next + file.u64(body + 8) });
      } else if (!found.has(type)) {
        found.set(type, body);
      }
      at = body + size;
    }
  }
  return found;
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

/** IV.A.2.b */
function shapeAt(file: PlainFile, at: number): readonly number[] {
  const [version, rank] = [file.u8(at), file.u8(at + 1)];
  if (version !== 1 && version !== 2) {
    throw new Unusual("a dataspace of another version");
  }
  const dimensions = at + (version === 1 ? 8 : 4);
  return Array.from({ length: rank }, (_, axis) => file.u64(dimensions + axis * 8));
}

interface NumberType {
  readonly kind: "float" | "signed" | "unsigned";
  readonly elementBytes: number;
}

/** Bit offset, precision, then for floats where exponent and mantissa lie, and the exponent's bias. */
const float32Bits = "0 32 23 8 0 23 127 31";
const float64Bits = "0 64 52 11 0 52 1023 63";

/** IV.A.2.d; little endian only */
function typeAt(file: PlainFile, at: number): NumberType {
  const [kind, flags, size] = [file.u8(at) & 15, file.u8(at + 1), file.u32(at + 4)];
  if ((flags & 1) !== 0) {
    throw new Unusual("big endian");
  }
  if (kind === 0 && [1, 2, 4, 8].includes(size)) {
    return { kind: (flags & 8) === 0 ? "unsigned" : "signed", elementBytes: size };
  }
  if (kind !== 1) {
    throw new Unusual("no numbers");
  }
  const bits = [
    ...[file.u16(at + 8), file.u16(at + 10), file.u8(at + 12), file.u8(at + 13)],
    ...[file.u8(at + 14), file.u8(at + 15), file.u32(at + 16), file.u8(at + 2)],
  ].join(" ");
  const isIeee = bits === (size === 4 ? float32Bits : float64Bits) && (flags & 0x70) === 0x20;
  if (!isIeee) {
    throw new Unusual("floats of another kind");
  }
  return { kind: "float", elementBytes: size };
}

/** IV.A.2.l */
function isDeflateAlone(file: PlainFile, at: number): boolean {
  const [version, count] = [file.u8(at), file.u8(at + 1)];
  if (count === 0) {
    return false;
  }
  const filter = at + (version === 1 ? 8 : 2);
  if (version > 2 || count !== 1 || file.u16(filter) !== 1) {
    throw new Unusual("another filter");
  }
  return true;
}

interface Storage extends NumberType {
  readonly shape: readonly number[];
  readonly isDeflated: boolean;
}

/** Contiguous, row by row. IV.A.2.i, version 3 */
function contentOf(file: PlainFile, at: number, storage: Storage): Uint8Array {
  const { shape, elementBytes } = storage;
  if (file.u8(at) !== 3) {
    throw new Unusual("a layout of another version");
  }
  const size = elementsOf(shape) * elementBytes;
  const kind = file.u8(at + 1);
  if (kind === 1 && !storage.isDeflated) {
    return file.slice(file.u64(at + 2), size);
  }
  if (kind !== 2 || file.u8(at + 2) !== shape.length + 1) {
    throw new Unusual("a layout");
  }
  const chunk = shape.map((_, axis) => file.u32(at + 11 + axis * 4));
  if (file.u32(at + 11 + shape.length * 4) !== elementBytes) {
    throw new Unusual("an element size");
  }
  return fromChunks(file, file.u64(at + 3), chunk, storage);
}

/** All chunks together may have this many times what the dataset declares, and a small one some more. */
const mostPadding = 4;
const chunkRoom = 1024 * 1024;

function fromChunks(
  file: PlainFile,
  tree: number,
  chunk: readonly number[],
  { shape, elementBytes, isDeflated }: Storage,
): Uint8Array {
  const chunkBytes = elementsOf(chunk) * elementBytes;
  const chunks = shape.reduce((all, size, axis) => all * Math.ceil(size / (chunk[axis] ?? 0)), 1);
  const size = elementsOf(shape) * elementBytes;
  if (!(chunks * chunkBytes <= mostPadding * size + chunkRoom)) {
    throw new Unusual("chunks"); // P2
  }
  const content = new Uint8Array(size);
  const taken = new Set<string>();
  eachChunk(file, tree, shape.length, ({ offsets, at, packed, mask }) => {
    const isOnGrid = offsets.every(
      (offset, axis) => offset % (chunk[axis] ?? 1) === 0 && offset < (shape[axis] ?? 0),
    );
    const key = offsets.join();
    if (!isOnGrid || taken.has(key) || mask !== 0) {
      throw new Unusual("a chunk");
    }
    taken.add(key);
    const bytes = file.slice(at, packed);
    const values = isDeflated ? inflateZlibOf(bytes, chunkBytes) : bytes;
    if (values.length !== chunkBytes) {
      throw new Unusual("a chunk of another size");
    }
    copyChunk(values, chunk, offsets, content, shape, elementBytes);
  });
  if (taken.size !== chunks) {
    throw new Unusual("chunks that are not there");
  }
  return content;
}

interface Chunk {
  readonly offsets: readonly number[];
  readonly at: number;
  /** Bytes in the file. */
  readonly packed: number;
  /** Filters that were left out. */
  readonly mask: number;
}

/** III.A.1, node type 1 */
function eachChunk(
  file: PlainFile,
  node: number,
  rank: number,
  take: (chunk: Chunk) => void,
): void {
  file.visit(node);
  file.expect(node, "TREE");
  const [kind, level, used] = [file.u8(node + 4), file.u8(node + 5), file.u16(node + 6)];
  if (kind !== 1) {
    throw new Unusual("a tree of another kind");
  }
  const keyBytes = 8 + (rank + 1) * 8;
  for (let i = 0; i < used; i++) {
    const key = node + 24 + i * (keyBytes + 8);
    const child = file.u64(key + keyBytes);
    if (level > 0) {
      eachChunk(file, child, rank, take);
    } else {
      const offsets = Array.from({ length: rank }, (_, axis) => file.u64(key + 8 + axis * 8));
      take({ offsets, at: child, packed: file.u32(key), mask: file.u32(key + 4) });
    }
  }
}

/** The part of a chunk that lies in the dataset, run by run along the last axis. */
function copyChunk(
  values: Uint8Array,
  chunk: readonly number[],
  offsets: readonly number[],
  content: Uint8Array,
  shape: readonly number[],
  elementBytes: number,
): void {
  const inside = chunk.map((size, axis) =>
    Math.min(size, (shape[axis] ?? 0) - (offsets[axis] ?? 0)),
  );
  const last = shape.length - 1;
  const run = (inside[last] ?? 0) * elementBytes;
  const copy = (axis: number, from: number, to: number): void => {
    if (axis === last) {
      const target = (to + (offsets[last] ?? 0)) * elementBytes;
      content.set(values.subarray(from * elementBytes, from * elementBytes + run), target);
      return;
    }
    for (let i = 0; i < (inside[axis] ?? 0); i++) {
      const row = to + (offsets[axis] ?? 0) + i;
      copy(axis + 1, (from + i) * (chunk[axis + 1] ?? 1), row * (shape[axis + 1] ?? 1));
    }
  };
  // A chunk as wide as the dataset is one run.
  const isWide = inside.every(
    (size, axis) => axis === 0 || (size === chunk[axis] && size === shape[axis]),
  );
  if (!isWide) {
    copy(0, 0, 0);
    return;
  }
  const rowBytes = elementsOf(shape.slice(1)) * elementBytes;
  const rows = (inside[0] ?? 0) * rowBytes;
  content.set(values.subarray(0, rows), (offsets[0] ?? 0) * rowBytes);
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
