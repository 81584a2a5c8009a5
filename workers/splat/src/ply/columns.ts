/** Columns of a PLY element, whatever the encoding and the type of each value. */
import { AssetError } from "../splat.ts";
import type { PlyElement, PlyHeader } from "./header.ts";
import { plyTypes } from "./types.ts";
import { wordsOf } from "./words.ts";

/** Reads properties of all records: the k-th of the i-th record goes to `start + i × step + k` of `target`. */
export type ReadColumns = (
  properties: readonly string[],
  target: Float32Array | Float64Array | Uint32Array,
  start: number,
  step: number,
) => void;

/** @throws AssetError `truncated` before anything is allocated when the bytes cannot hold what is declared */
export function plyColumns(bytes: Uint8Array, header: PlyHeader, element: PlyElement): ReadColumns {
  return header.encoding === "ascii"
    ? asciiColumns(bytes, header, element)
    : binaryColumns(bytes, header, element);
}

function binaryColumns(bytes: Uint8Array, header: PlyHeader, element: PlyElement): ReadColumns {
  const { name, count, stride, start: first } = element;
  const needed = count * stride;
  const offset = header.dataOffset + first;
  const there = Math.max(0, bytes.length - offset);
  if (there < needed) {
    throw new AssetError(
      "truncated",
      `the header declares ${count} × ${name} of ${stride} bytes; ${needed} bytes are needed, ${there} are there`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, needed);
  const littleEndian = header.encoding === "binary_little_endian";
  let floats: Float32Array | undefined;
  return (properties, target, start, step) => {
    const found = properties.map((property) => required(element, property));
    const areFloats = found.every(({ type }) => type === "float" || type === "float32");
    if (littleEndian && isLittleEndianHost && areFloats && stride % 4 === 0) {
      floats ??= alignedFloats(bytes, offset, needed);
      copyFloats(floats, stride / 4, found, target, start, step);
      return;
    }
    for (const [k, { type, offset: within }] of found.entries()) {
      const { read } = plyTypes[type];
      let to = start + k;
      for (let at = within; at < needed; at += stride) {
        target[to] = read(view, at, littleEndian);
        to += step;
      }
    }
  };
}

const isLittleEndianHost = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Headers have any length, so most files need a copy for that. */
function alignedFloats(bytes: Uint8Array, offset: number, length: number): Float32Array {
  const start = bytes.byteOffset + offset;
  if (start % 4 === 0) {
    return new Float32Array(bytes.buffer, start, length / 4);
  }
  // Not `slice`: that of Node's `Buffer` copies nothing.
  const copy = new Uint8Array(length);
  copy.set(bytes.subarray(offset, offset + length));
  return new Float32Array(copy.buffer);
}

/** The common case, several times as fast as one value after the other through a `DataView`. */
function copyFloats(
  floats: Float32Array,
  stride: number,
  properties: readonly { readonly offset: number }[],
  target: Float32Array | Float64Array | Uint32Array,
  start: number,
  step: number,
): void {
  const offsets = Int32Array.from(properties, ({ offset }) => offset / 4);
  let to = start;
  for (let row = 0; row < floats.length; row += stride) {
    for (let k = 0; k < offsets.length; k++) {
      target[to + k] = floats[row + (offsets[k] ?? 0)] ?? 0;
    }
    to += step;
  }
}

/** One record a line, values separated by blanks. */
function asciiColumns(bytes: Uint8Array, header: PlyHeader, element: PlyElement): ReadColumns {
  const { name, count, stride, start: skipped } = element;
  // A value takes a digit and a separator at least: fewer bytes cannot hold what is declared.
  if (bytes.length - header.dataOffset < (skipped + count * stride) * 2 - 1) {
    throw new AssetError(
      "truncated",
      `the header declares ${count} × ${name} of ${stride} values; ${bytes.length - header.dataOffset} bytes cannot hold them`,
    );
  }
  const values = new Float64Array(count * stride);
  const words = wordsOf(bytes, header.dataOffset);
  const cutShort = (record: number): AssetError =>
    new AssetError(
      "truncated",
      `the header declares ${count} × ${name}; the file ends in number ${record}`,
    );
  if (!words.skip(skipped)) {
    throw cutShort(0);
  }
  for (let i = 0; i < values.length; i++) {
    const value = words.number();
    if (value === undefined) {
      throw cutShort(Math.floor(i / stride));
    }
    values[i] = value;
  }
  return (properties, target, start, step) => {
    for (const [k, property] of properties.entries()) {
      const { offset } = required(element, property);
      for (let i = 0; i < count; i++) {
        target[start + k + i * step] = values[i * stride + offset] ?? 0;
      }
    }
  };
}

function required({ name, properties }: PlyElement, property: string) {
  const found = properties.get(property);
  if (found === undefined) {
    throw new AssetError(
      "malformed",
      `not a PLY of Gaussian splats: ${name} has no property "${property}"`,
    );
  }
  return found;
}
