/** Pixels of a WebP picture before its transforms are undone: literals, copies, colours seen before. RFC 9649, 3.6. */
import { type BitReader, malformed } from "./bits.ts";
import { type PrefixCode, readPrefixCode, readSymbol } from "./prefix-code.ts";

/** Green with lengths and cached colours, red, blue, alpha, distance. */
type Group = readonly [PrefixCode, PrefixCode, PrefixCode, PrefixCode, PrefixCode];

const lengthSymbols = 24;
const distanceSymbols = 40;
/** Encoders make up to some thousands; each takes memory. */
const mostGroups = 10_000;
const cacheFactor = 0x1e35a7bd;

/** One argb word a pixel. `isMain` pictures may have several groups of codes, those inside of them have one. */
export function readPixels(
  bits: BitReader,
  width: number,
  height: number,
  isMain: boolean,
): Uint32Array {
  const cacheBits = bits.read(1) === 1 ? bits.read(4) : 0;
  if (cacheBits > 11) {
    throw malformed("its colour cache is too large");
  }
  const pixels = new Uint32Array(width * height);
  const groupOf = isMain && bits.read(1) === 1 ? readGroupMap(bits, width, height) : undefined;
  const groups = Array.from({ length: groupOf?.count ?? 1 }, () => readGroup(bits, cacheBits));
  const cache = new Uint32Array(cacheBits === 0 ? 0 : 1 << cacheBits);
  const remember = (argb: number): void => {
    if (cacheBits > 0) {
      cache[Math.imul(cacheFactor, argb) >>> (32 - cacheBits)] = argb;
    }
  };
  let [x, y] = [0, 0];
  for (let at = 0; at < pixels.length; ) {
    const group = groups[groupOf?.at(x, y) ?? 0];
    if (group === undefined) {
      throw malformed("a pixel has no codes");
    }
    const symbol = readSymbol(bits, group[0]);
    let end = at + 1;
    if (symbol < 256) {
      const red = readSymbol(bits, group[1]);
      const blue = readSymbol(bits, group[2]);
      const alpha = readSymbol(bits, group[3]);
      pixels[at] = (alpha << 24) | (red << 16) | (symbol << 8) | blue;
    } else if (symbol < 256 + lengthSymbols) {
      const length = readCount(bits, symbol - 256);
      const distance = distanceOf(readCount(bits, readSymbol(bits, group[4])), width);
      end = at + length;
      if (distance > at || end > pixels.length) {
        throw malformed("it copies from nowhere");
      }
      for (let to = at; to < end; to++) {
        pixels[to] = pixels[to - distance] ?? 0;
      }
    } else {
      pixels[at] = cache[symbol - 256 - lengthSymbols] ?? 0;
    }
    for (; at < end; at++) {
      remember(pixels[at] ?? 0);
      if (++x === width) {
        [x, y] = [0, y + 1];
      }
    }
  }
  return pixels;
}

function readGroup(bits: BitReader, cacheBits: number): Group {
  const green = readPrefixCode(bits, 256 + lengthSymbols + (cacheBits === 0 ? 0 : 1 << cacheBits));
  const red = readPrefixCode(bits, 256);
  const blue = readPrefixCode(bits, 256);
  const alpha = readPrefixCode(bits, 256);
  return [green, red, blue, alpha, readPrefixCode(bits, distanceSymbols)];
}

/** Which group each block of pixels uses: a small picture. */
function readGroupMap(bits: BitReader, width: number, height: number) {
  const blockBits = bits.read(3) + 2;
  const across = blocks(width, blockBits);
  const map = readPixels(bits, across, blocks(height, blockBits), false);
  for (let i = 0; i < map.length; i++) {
    map[i] = ((map[i] ?? 0) >>> 8) & 0xffff;
  }
  const count = map.reduce((most, group) => Math.max(most, group), 0) + 1;
  if (count > mostGroups) {
    throw malformed(`it has ${count} groups of codes`);
  }
  return {
    count,
    at: (x: number, y: number): number => map[(y >> blockBits) * across + (x >> blockBits)] ?? 0,
  };
}

export function blocks(size: number, bits: number): number {
  return (size + (1 << bits) - 1) >> bits;
}

/** A length or distance: the symbol says how many bits follow. */
function readCount(bits: BitReader, symbol: number): number {
  if (symbol < 4) {
    return symbol + 1;
  }
  const extra = (symbol - 2) >> 1;
  const low = extra > 16 ? bits.read(16) + bits.read(extra - 16) * 65536 : bits.read(extra);
  return (2 + (symbol & 1)) * 2 ** extra + low + 1;
}

/** Places near a pixel, nearest first: to the left and above, of which 120 have short numbers. */
const near = Array.from({ length: 8 * 16 }, (_, i) => ({ x: (i % 16) - 7, y: Math.floor(i / 16) }))
  .filter(({ x, y }) => y > 0 || x > 0)
  .toSorted(
    (a, b) =>
      a.x * a.x + a.y * a.y - b.x * b.x - b.y * b.y || Math.abs(a.x) - Math.abs(b.x) || b.x - a.x,
  );

function distanceOf(code: number, width: number): number {
  const place = near[code - 1];
  return place === undefined ? code - near.length : Math.max(1, place.x + place.y * width);
}
