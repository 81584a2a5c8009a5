/** Types of values in PLY, by both names of each. */

export type PlyEncoding = "binary_little_endian" | "binary_big_endian" | "ascii";

export type PlyType = keyof typeof plyTypes;

interface Type {
  readonly bytes: number;
  readonly read: (view: DataView, at: number, littleEndian: boolean) => number;
}

const int8: Type = { bytes: 1, read: (view, at) => view.getInt8(at) };
const uint8: Type = { bytes: 1, read: (view, at) => view.getUint8(at) };
const int16: Type = { bytes: 2, read: (view, at, le) => view.getInt16(at, le) };
const uint16: Type = { bytes: 2, read: (view, at, le) => view.getUint16(at, le) };
const int32: Type = { bytes: 4, read: (view, at, le) => view.getInt32(at, le) };
const uint32: Type = { bytes: 4, read: (view, at, le) => view.getUint32(at, le) };
const float32: Type = { bytes: 4, read: (view, at, le) => view.getFloat32(at, le) };
const float64: Type = { bytes: 8, read: (view, at, le) => view.getFloat64(at, le) };

export const plyTypes = {
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
} as const;

export function isPlyType(word: string): word is PlyType {
  return Object.hasOwn(plyTypes, word);
}
