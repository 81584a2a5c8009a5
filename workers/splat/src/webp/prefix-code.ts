/** Canonical prefix codes of at most 15 bits. Source: RFC 9649, 3.7.2. */
import { type BitReader, malformed } from "./bits.ts";

export interface PrefixCode {
  /** Symbols by code: shorter codes first, then by value. */
  readonly symbols: Uint16Array;
  /** How many codes there are of each length, 1 to 15; none when the only symbol takes no bits. */
  readonly counts: Uint16Array;
  /** By the next 8 bits: symbol × 16 + length in bits when the code is that short, 0 when it is longer. */
  readonly short: Uint16Array;
}

const longest = 15;
const shortBits = 8;
const nothing = new Uint16Array(0);

/** @throws AssetError unless every string of bits has exactly one meaning */
export function prefixCodeOf(lengths: Uint8Array): PrefixCode {
  const counts = new Uint16Array(longest + 1);
  let used = 0;
  for (const length of lengths) {
    if (length === 0) {
      continue;
    }
    counts[length] = (counts[length] ?? 0) + 1;
    used++;
  }
  if (used === 0) {
    throw malformed("a prefix code has no symbols");
  }
  if (used === 1) {
    return singleSymbol(lengths.findIndex((length) => length > 0));
  }
  const starts = new Uint16Array(longest + 2);
  let open = 1;
  for (let length = 1; length <= longest; length++) {
    open = open * 2 - (counts[length] ?? 0);
    if (open < 0) {
      throw malformed("a prefix code has too many symbols");
    }
    starts[length + 1] = (starts[length] ?? 0) + (counts[length] ?? 0);
  }
  if (open !== 0) {
    throw malformed("a prefix code has too few symbols");
  }
  const symbols = new Uint16Array(used);
  for (const [symbol, length] of lengths.entries()) {
    if (length === 0) {
      continue;
    }
    const at = starts[length] ?? 0;
    symbols[at] = symbol;
    starts[length] = at + 1;
  }
  return { symbols, counts, short: shortCodes(symbols, counts) };
}

export function singleSymbol(symbol: number): PrefixCode {
  return { symbols: Uint16Array.of(symbol), counts: nothing, short: nothing };
}

function shortCodes(symbols: Uint16Array, counts: Uint16Array): Uint16Array {
  const table = new Uint16Array(1 << shortBits);
  let [code, at] = [0, 0];
  for (let length = 1; length <= shortBits; length++) {
    for (let i = 0; i < (counts[length] ?? 0); i++, code++, at++) {
      const entry = (symbols[at] ?? 0) * 16 + length;
      // The reader sees the first bit of a code as the lowest.
      for (let rest = 0; rest < 1 << (shortBits - length); rest++) {
        table[reversed(code, length) | (rest << length)] = entry;
      }
    }
    code <<= 1;
  }
  return table;
}

function reversed(code: number, length: number): number {
  let result = 0;
  for (let bit = 0; bit < length; bit++) {
    result |= ((code >> bit) & 1) << (length - 1 - bit);
  }
  return result;
}

/** @throws AssetError behind the end */
export function readSymbol(bits: BitReader, { symbols, counts, short }: PrefixCode): number {
  if (counts.length === 0) {
    return symbols[0] ?? 0;
  }
  const entry = short[bits.peekByte()] ?? 0;
  if (entry !== 0) {
    bits.skip(entry & 15);
    return entry >> 4;
  }
  let [code, first, at] = [0, 0, 0];
  for (let length = 1; length <= longest; length++) {
    code = (code << 1) | bits.read(1);
    const count = counts[length] ?? 0;
    if (code - first < count) {
      return symbols[at + code - first] ?? 0;
    }
    at += count;
    first = (first + count) << 1;
  }
  throw malformed("a code is none of its prefix code's");
}

const lengthOrder = [17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const usualLength = 8;

/** @param size of the alphabet */
export function readPrefixCode(bits: BitReader, size: number): PrefixCode {
  if (bits.read(1) === 1) {
    return readSimpleCode(bits, size);
  }
  const ofLengths = new Uint8Array(lengthOrder.length);
  const given = 4 + bits.read(4);
  for (const place of lengthOrder.slice(0, given)) {
    ofLengths[place] = bits.read(3);
  }
  const code = prefixCodeOf(ofLengths);
  let left = bits.read(1) === 0 ? size : 2 + bits.read(2 + 2 * bits.read(3));
  if (left > size) {
    throw malformed("a prefix code has more lengths than symbols");
  }
  const lengths = new Uint8Array(size);
  let previous = usualLength;
  for (let at = 0; at < size && left > 0; left--) {
    const symbol = readSymbol(bits, code);
    if (symbol < 16) {
      lengths[at++] = symbol;
      if (symbol > 0) {
        previous = symbol;
      }
      continue;
    }
    const [value, times] =
      symbol === 16
        ? [previous, 3 + bits.read(2)]
        : [0, symbol === 17 ? 3 + bits.read(3) : 11 + bits.read(7)];
    if (at + times > size) {
      throw malformed("a prefix code has more lengths than symbols");
    }
    lengths.fill(value, at, at + times);
    at += times;
  }
  return prefixCodeOf(lengths);
}

/** Reads a prefix code that has one symbol or two, which are named instead of their lengths. */
function readSimpleCode(bits: BitReader, size: number): PrefixCode {
  const isTwo = bits.read(1) === 1;
  const first = bits.read(bits.read(1) === 0 ? 1 : 8);
  const second = isTwo ? bits.read(8) : first;
  if (first >= size || second >= size) {
    throw malformed("a prefix code has symbols it cannot have");
  }
  if (first === second) {
    return singleSymbol(first);
  }
  const lengths = new Uint8Array(size);
  lengths[first] = 1;
  lengths[second] = 1;
  return prefixCodeOf(lengths);
}
