/** Columns of a PLY element, whatever the encoding and the type of each value. */

import { AssetError } from "../splat.ts";
import type { PlyElement, PlyHeader } from "./header.ts";
import { plyTypes } from "./types.ts";

/** Reads one property of all records into every `step`th place of `target`, from `start` on. */
export type ReadColumn = (
  property: string,
  target: Float32Array | Float64Array | Uint32Array,
  start: number,
  step: number,
) => void;

/** @throws AssetError `truncated` before anything is allocated when the bytes cannot hold what is declared */
export function plyColumns(bytes: Uint8Array, header: PlyHeader, element: PlyElement): ReadColumn {
  return header.encoding === "ascii"
    ? asciiColumns(bytes, header, element)
    : binaryColumns(bytes, header, element);
}

function binaryColumns(bytes: Uint8Array, header: PlyHeader, element: PlyElement): ReadColumn {
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
  return (property, target, start, step) => {
    const { type, offset: within } = required(element, property);
    const { read } = plyTypes[type];
    let to = start;
    for (let at = within; at < needed; at += stride) {
      target[to] = read(view, at, littleEndian);
      to += step;
    }
  };
}

/** One record a line, values separated by blanks. */
function asciiColumns(bytes: Uint8Array, header: PlyHeader, element: PlyElement): ReadColumn {
  const { name, count, stride, start: skipped } = element;
  // A value takes a digit and a separator at least: fewer bytes cannot hold what is declared.
  if (bytes.length - header.dataOffset < (skipped + count * stride) * 2 - 1) {
    throw new AssetError(
      "truncated",
      `the header declares ${count} × ${name} of ${stride} values; ${bytes.length - header.dataOffset} bytes cannot hold them`,
    );
  }
  const values = new Float64Array(count * stride);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
    "latin1",
    header.dataOffset,
  );
  const word = /\S+/g;
  for (let i = -skipped; i < values.length; i++) {
    const match = word.exec(text)?.[0];
    if (match === undefined) {
      throw new AssetError(
        "truncated",
        `the header declares ${count} × ${name}; the file ends in number ${Math.max(0, Math.floor(i / stride))}`,
      );
    }
    if (i >= 0) values[i] = parseNumber(match);
  }
  return (property, target, start, step) => {
    const { offset } = required(element, property);
    for (let i = 0; i < count; i++) target[start + i * step] = values[i * stride + offset] ?? 0;
  };
}

function parseNumber(word: string): number {
  const value = Number(word);
  if (!Number.isNaN(value)) return value;
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(word);
  if (special === null) {
    throw new AssetError("malformed", `"${word.slice(0, 40)}" is not a number`);
  }
  if (special[2]?.toLowerCase() === "nan") return Number.NaN;
  return special[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
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
