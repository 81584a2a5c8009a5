/** What an encoder did to the pixels to make them smaller, undone. Source: RFC 9649, 3.5. */
import { blocks } from "./entropy.ts";

/** Changes pixels in place. */
export function addPredicted(
  pixels: Uint32Array,
  width: number,
  modes: Uint32Array,
  blockBits: number,
): void {
  const across = blocks(width, blockBits);
  for (let at = 0; at < pixels.length; at++) {
    const [x, y] = [at % width, Math.floor(at / width)];
    const left = pixels[at - 1] ?? 0;
    const above = pixels[at - width] ?? 0;
    let predicted: number;
    if (at === 0) {
      predicted = 0xff000000;
    } else if (y === 0) {
      predicted = left;
    } else if (x === 0) {
      predicted = above;
    } else {
      const mode = ((modes[(y >> blockBits) * across + (x >> blockBits)] ?? 0) >>> 8) & 15;
      // At the end of a row this is the first pixel of the same row, as the format has it.
      const aboveRight = pixels[at - width + 1] ?? 0;
      predicted = predict(mode, left, above, aboveRight, pixels[at - width - 1] ?? 0);
    }
    pixels[at] = addChannels(pixels[at] ?? 0, predicted);
  }
}

function predict(mode: number, l: number, t: number, tr: number, tl: number): number {
  switch (mode) {
    case 1:
      return l;
    case 2:
      return t;
    case 3:
      return tr;
    case 4:
      return tl;
    case 5:
      return average(average(l, tr), t);
    case 6:
      return average(l, tl);
    case 7:
      return average(l, t);
    case 8:
      return average(tl, t);
    case 9:
      return average(t, tr);
    case 10:
      return average(average(l, tl), average(t, tr));
    case 11:
      return nearer(l, t, tl);
    case 12:
      return eachChannel((shift) => channel(l, shift) + channel(t, shift) - channel(tl, shift));
    case 13:
      return eachChannel((shift) => {
        const mean = (channel(l, shift) + channel(t, shift)) >> 1;
        return mean + Math.trunc((mean - channel(tl, shift)) / 2);
      });
    default:
      return 0xff000000;
  }
}

const shifts = [24, 16, 8, 0] as const;

function channel(argb: number, shift: number): number {
  return (argb >>> shift) & 255;
}

/** Clamped to 0 and 255. */
function eachChannel(value: (shift: number) => number): number {
  let argb = 0;
  for (const shift of shifts) {
    argb |= Math.min(255, Math.max(0, value(shift))) << shift;
  }
  return argb >>> 0;
}

/** The averages of four channels of 8 bits at once, each rounded down. */
function average(a: number, b: number): number {
  return ((((a ^ b) & 0xfefefefe) >>> 1) + (a & b)) >>> 0;
}

/** Whichever of left and above is nearer to left + above − above left. */
function nearer(l: number, t: number, tl: number): number {
  let [fromLeft, fromAbove] = [0, 0];
  for (const shift of shifts) {
    fromLeft += Math.abs(channel(t, shift) - channel(tl, shift));
    fromAbove += Math.abs(channel(l, shift) - channel(tl, shift));
  }
  return fromLeft < fromAbove ? l : t;
}

/** Each modulo 256. */
function addChannels(a: number, b: number): number {
  const alphaAndGreen = ((a & 0xff00ff00) >>> 0) + ((b & 0xff00ff00) >>> 0);
  const redAndBlue = (a & 0x00ff00ff) + (b & 0x00ff00ff);
  return ((alphaAndGreen & 0xff00ff00) | (redAndBlue & 0x00ff00ff)) >>> 0;
}

/** Red and blue were stored less what green, and red, let expect. */
export function addCorrelated(
  pixels: Uint32Array,
  width: number,
  factors: Uint32Array,
  blockBits: number,
): void {
  const across = blocks(width, blockBits);
  for (let at = 0; at < pixels.length; at++) {
    const [x, y] = [at % width, Math.floor(at / width)];
    const factor = factors[(y >> blockBits) * across + (x >> blockBits)] ?? 0;
    const argb = pixels[at] ?? 0;
    const green = channel(argb, 8);
    const red = (channel(argb, 16) + share(channel(factor, 0), green)) & 255;
    const blue =
      channel(argb, 0) + share(channel(factor, 8), green) + share(channel(factor, 16), red);
    pixels[at] = ((argb & 0xff00ff00) | (red << 16) | (blue & 255)) >>> 0;
  }
}

/** Both are bytes with a sign. */
function share(factor: number, value: number): number {
  return (((factor << 24) >> 24) * ((value << 24) >> 24)) >> 5;
}

export function addGreen(pixels: Uint32Array): void {
  for (let at = 0; at < pixels.length; at++) {
    const argb = pixels[at] ?? 0;
    const green = channel(argb, 8);
    const redAndBlue = (argb & 0x00ff00ff) + ((green << 16) | green);
    pixels[at] = ((argb & 0xff00ff00) | (redAndBlue & 0x00ff00ff)) >>> 0;
  }
}

/** A table of colours holds each less the one before. */
export function accumulate(table: Uint32Array): void {
  for (let i = 1; i < table.length; i++) {
    table[i] = addChannels(table[i] ?? 0, table[i - 1] ?? 0);
  }
}

/** Numbers of colours, of which small tables pack several into the green of a pixel. */
export function lookUpColours(
  packed: Uint32Array,
  width: number,
  table: Uint32Array,
  packBits: number,
): Uint32Array {
  const across = blocks(width, packBits);
  const height = packed.length / across;
  const bitsEach = 8 >> packBits;
  const pixels = new Uint32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const green = channel(packed[y * across + (x >> packBits)] ?? 0, 8);
      const index = (green >> (bitsEach * (x & ((1 << packBits) - 1)))) & ((1 << bitsEach) - 1);
      pixels[y * width + x] = table[index] ?? 0;
    }
  }
  return pixels;
}
