/** The content of a dataset, wherever the file keeps it; P2 is kept here. */

import { inflateZlibOf } from "#codecs";
import { elementsOf } from "../hdf5-datasets.ts";
import type { NumberType } from "./headers.ts";
import { type PlainFile, Unusual } from "./plain-file.ts";

interface Storage extends NumberType {
  readonly shape: readonly number[];
  readonly isDeflated: boolean;
}

/** Contiguous, row by row. IV.A.2.i, version 3 */
export function contentOf(file: PlainFile, at: number, storage: Storage): Uint8Array {
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

/** All chunks together may have this many times what the dataset declares, one alone no more, and a small one some more. */
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
  const isRoomy = chunkBytes > size + chunkRoom;
  if (isRoomy || !(chunks * chunkBytes <= mostPadding * size + chunkRoom)) {
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
