/** What an HDF5 file says of itself: its members, and of a dataset shape, type and filters. */
import { isHdf5 } from "../hdf5-signature.ts";
import { textOf } from "../text.ts";
import { type PlainFile, Unusual } from "./plain-file.ts";

/**
 * The bytes behind the signature in a usual superblock: version 0 of all, addresses and lengths of 8 bytes, trees of the
 * usual width, no flags, base 0, no list of free space. Files that begin otherwise are not read here.
 */
const usualStart = [
  ...[0, 0, 0, 0, 0, 8, 8, 0, 4, 0, 16, 0, 0, 0, 0, 0],
  ...[0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255],
];
/** Object headers of the root's members by name. II.A.1, III.A to III.D */
export function membersOf(file: PlainFile): ReadonlyMap<string, number> {
  const isUsual =
    isHdf5(file.bytes) &&
    usualStart.every((byte, index) => file.bytes[8 + index] === byte) &&
    file.u64(40) === file.bytes.length;
  if (!isUsual) {
    throw new Unusual("a superblock of another kind");
  }
  const table = messagesOf(file, file.u64(64)).get(messages.symbolTable);
  if (table === undefined) {
    throw new Unusual("a root of another kind");
  }
  const heap = file.u64(table + 8);
  file.expect(heap, "HEAP");
  const names = file.slice(file.u64(heap + 24), file.u64(heap + 8));
  const places = new Map<string, number>();
  eachMember(file, file.u64(table), (nameAt, place) => {
    const end = names.indexOf(0, nameAt);
    places.set(textOf(names.subarray(nameAt, end < 0 ? names.length : end)), place);
  });
  return places;
}

function eachMember(
  file: PlainFile,
  node: number,
  found: (nameAt: number, place: number) => void,
): void {
  file.visit(node);
  file.expect(node, "TREE");
  const [level, used] = [file.u8(node + 5), file.u16(node + 6)];
  for (let i = 0; i < used; i++) {
    const child = file.u64(node + 24 + 8 + i * 16);
    if (level > 0) {
      eachMember(file, child, found);
      continue;
    }
    file.visit(child);
    file.expect(child, "SNOD");
    const symbols = file.u16(child + 6);
    for (let k = 0; k < symbols; k++) {
      const entry = child + 8 + k * 40;
      found(file.u64(entry), file.u64(entry + 8));
    }
  }
}

/** IV.A.2 */
export const messages = {
  dataspace: 0x1,
  datatype: 0x3,
  externalFiles: 0x7,
  layout: 0x8,
  filters: 0xb,
  continuation: 0x10,
  symbolTable: 0x11,
} as const;

/** Where each message of an object header begins, by its type; the first of each. IV.A.1.a */
export function messagesOf(file: PlainFile, header: number): ReadonlyMap<number, number> {
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

/** IV.A.2.b */
export function shapeAt(file: PlainFile, at: number): readonly number[] {
  const [version, rank] = [file.u8(at), file.u8(at + 1)];
  if (version !== 1 && version !== 2) {
    throw new Unusual("a dataspace of another version");
  }
  const dimensions = at + (version === 1 ? 8 : 4);
  return Array.from({ length: rank }, (_, axis) => file.u64(dimensions + axis * 8));
}

export interface NumberType {
  readonly kind: "float" | "signed" | "unsigned";
  readonly elementBytes: number;
}

/** Bit offset, precision, then for floats where exponent and mantissa lie, and the exponent's bias. */
const float32Bits = "0 32 23 8 0 23 127 31";
const float64Bits = "0 64 52 11 0 52 1023 63";

/** IV.A.2.d; little endian only */
export function typeAt(file: PlainFile, at: number): NumberType {
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
export function isDeflateAlone(file: PlainFile, at: number): boolean {
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
