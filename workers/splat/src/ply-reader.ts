/**
 * Gaussian splats in PLY: properties in any order, found by name; `nx ny nz` and unknown ones are skipped.
 * `f_rest_*` is stored channel by channel (all red, then green, then blue) and comes out coefficient by coefficient.
 */
import { checkCount, checkSplat } from "./checks.ts";
import { type PlyHeader, type PlyProperty, type PlyType, parsePlyHeader } from "./ply-header.ts";
import {
  AssetError,
  type AssetLimits,
  defaultAssetLimits,
  type ShDegree,
  type Splat,
  shRestCount,
} from "./splat.ts";

/** Reads column `property` of all vertices into every `step`th place of `target`, from `start` on. */
type ReadColumn = (
  property: PlyProperty,
  target: Float32Array,
  start: number,
  step: number,
) => void;

/** @throws AssetError */
export function readPly(bytes: Uint8Array, limits: AssetLimits = defaultAssetLimits): Splat {
  const header = parsePlyHeader(bytes);
  const { count } = header;
  checkCount(count, limits);
  const shDegree = shDegreeOf(header);
  const restCount = shRestCount(shDegree);
  const readColumn =
    header.encoding === "ascii" ? asciiColumns(bytes, header) : binaryColumns(bytes, header);

  const read = (names: readonly string[]): Float32Array => {
    const values = new Float32Array(count * names.length);
    for (const [index, name] of names.entries()) {
      readColumn(required(header, name), values, index, names.length);
    }
    return values;
  };
  const restNames = Array.from({ length: restCount * 3 }, (_, i) => {
    const channel = i % 3;
    return `f_rest_${channel * restCount + Math.floor(i / 3)}`;
  });
  const splat: Splat = {
    count,
    shDegree,
    positions: read(["x", "y", "z"]),
    scales: read(["scale_0", "scale_1", "scale_2"]),
    rotations: read(["rot_0", "rot_1", "rot_2", "rot_3"]),
    opacities: read(["opacity"]),
    shDc: read(["f_dc_0", "f_dc_1", "f_dc_2"]),
    shRest: read(restNames),
  };
  return checkSplat(splat, limits);
}

function required(header: PlyHeader, name: string): PlyProperty {
  const property = header.properties.get(name);
  if (property === undefined) {
    throw new AssetError(
      "malformed",
      `not a PLY of Gaussian splats: property "${name}" is missing`,
    );
  }
  return property;
}

function shDegreeOf(header: PlyHeader): ShDegree {
  const count = [...header.properties.keys()].filter((name) => name.startsWith("f_rest_")).length;
  const degree = ([0, 1, 2, 3] as const).find((d) => shRestCount(d) * 3 === count);
  if (degree === undefined) {
    throw new AssetError(
      "malformed",
      `${count} f_rest properties; degrees 0 to 3 have 0, 9, 24 or 45`,
    );
  }
  return degree;
}

function binaryColumns(bytes: Uint8Array, header: PlyHeader): ReadColumn {
  const { count, stride, dataOffset } = header;
  const needed = count * stride;
  const there = bytes.length - dataOffset;
  if (there < needed) {
    throw new AssetError(
      "truncated",
      `the header declares ${count} splats of ${stride} bytes; ${needed} bytes are needed, ${there} are there`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset + dataOffset, needed);
  const littleEndian = header.encoding === "binary_little_endian";
  return (property, target, start, step) => {
    const read = readers[property.type];
    let to = start;
    for (let at = property.offset; at < needed; at += stride) {
      target[to] = read(view, at, littleEndian);
      to += step;
    }
  };
}

type ReadNumber = (view: DataView, at: number, littleEndian: boolean) => number;
const int8: ReadNumber = (view, at) => view.getInt8(at);
const uint8: ReadNumber = (view, at) => view.getUint8(at);
const int16: ReadNumber = (view, at, le) => view.getInt16(at, le);
const uint16: ReadNumber = (view, at, le) => view.getUint16(at, le);
const int32: ReadNumber = (view, at, le) => view.getInt32(at, le);
const uint32: ReadNumber = (view, at, le) => view.getUint32(at, le);
const float32: ReadNumber = (view, at, le) => view.getFloat32(at, le);
const float64: ReadNumber = (view, at, le) => view.getFloat64(at, le);
const readers: Readonly<Record<PlyType, ReadNumber>> = {
  char: int8,
  int8,
  uchar: uint8,
  uint8,
  short: int16,
  int16,
  ushort: uint16,
  uint16,
  int: int32,
  int32,
  uint: uint32,
  uint32,
  float: float32,
  float32,
  double: float64,
  float64,
};

/** One vertex a line, values separated by blanks. */
function asciiColumns(bytes: Uint8Array, header: PlyHeader): ReadColumn {
  const { count, stride, dataOffset } = header;
  // A value takes a digit and a separator at least: fewer bytes cannot hold what is declared.
  if (bytes.length - dataOffset < count * stride * 2 - 1) {
    throw new AssetError(
      "truncated",
      `the header declares ${count} splats of ${stride} values; ${bytes.length - dataOffset} bytes cannot hold them`,
    );
  }
  const values = new Float64Array(count * stride);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
    "latin1",
    dataOffset,
  );
  const word = /\S+/g;
  for (let i = 0; i < values.length; i++) {
    const match = word.exec(text)?.[0];
    if (match === undefined) {
      throw new AssetError(
        "truncated",
        `the header declares ${count} splats; the file ends in splat ${Math.floor(i / stride)}`,
      );
    }
    values[i] = parseNumber(match);
  }
  return (property, target, start, step) => {
    for (let i = 0; i < count; i++) {
      target[start + i * step] = values[i * stride + property.offset] ?? 0;
    }
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
