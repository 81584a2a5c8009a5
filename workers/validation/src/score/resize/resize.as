/**
 * The two passes of Pillow's resize, in AssemblyScript: `node src/kernels/build.ts` makes resize.wasm of it. Pictures
 * have three bytes a pixel; windows lie as three arrays: for each output position its first input position and half its
 * number of weights, 32 bits each, then `stride` weights a position, two by two. Up to 16 bytes behind a picture are read
 * and written.
 *
 * Pixels of one colour stay that colour, whatever the weights. So what lies left and right of all that differs from the
 * picture's first pixel is not computed: most pictures show an object before a plain ground. `extents` says of each row of
 * the narrower picture which pixels differ, the first and the last, 32 bits each; the last is before the first where none does.
 *
 * One instruction multiplies two numbers of 16 bits by two others and adds up, so a weight of 22 bits comes as its upper
 * and its lower part, and sums are kept of both: nothing is lost.
 */

/** Bits after the point of a weight. Source: Pillow, PRECISION_BITS. */
// @ts-ignore: decorator
@inline const precisionBits: i32 = 32 - 8 - 2;
/** Bits of the lower part of a weight. */
// @ts-ignore: decorator
@inline const lowerBits: i32 = 11;
/** Two weights: both upper parts, then both lower ones. */
// @ts-ignore: decorator
@inline const pairBytes: usize = 8;

/** Where data may lie from on. */
export function firstByte(): usize {
  return __heap_base;
}

/** Four sums of both parts as numbers of the precision of pixels, not yet clamped. */
// @ts-ignore: decorator
@inline
function rounded(upper: v128, lower: v128): v128 {
  const half = i32x4.splat(1 << (precisionBits - 1));
  const sum = i32x4.add(i32x4.shl(upper, lowerBits), i32x4.add(lower, half));
  return i32x4.shr_s(sum, precisionBits);
}

/** Red, green and blue of two pixels, each beside the same of the other, 16 bits each. */
// @ts-ignore: decorator
@inline
function twoPixels(from: usize): v128 {
  // Places from 128 on are 0.
  return i8x16.swizzle(
    v128.load64_zero(from),
    i8x16(0, -128, 3, -128, 1, -128, 4, -128, 2, -128, 5, -128, -128, -128, -128, -128),
  );
}

/** The first bytes of four numbers, clamped. */
// @ts-ignore: decorator
@inline
function toBytes(numbers: v128): v128 {
  const words = i16x8.narrow_i32x4_s(numbers, numbers);
  return i8x16.narrow_i16x8_u(words, words);
}

/** The colour of the first pixel of the picture that `resizeRows` had, over and over, 48 bytes. */
let ground0 = i8x16.splat(0);
let ground1 = i8x16.splat(0);
let ground2 = i8x16.splat(0);
// @ts-ignore: decorator
@inline const groundBytes: i32 = 48;

function takeGround(pixel: usize): void {
  const colour = i32x4.splat(<i32>load<u16>(pixel) | (<i32>load<u8>(pixel, 2) << 16));
  ground0 = i8x16.swizzle(colour, i8x16(0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0));
  ground1 = i8x16.swizzle(colour, i8x16(1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1));
  ground2 = i8x16.swizzle(colour, i8x16(2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2));
}

function fillGround(row: usize, rowBytes: i32): void {
  for (let i = 0; i < rowBytes; i += groundBytes) {
    v128.store(row + i, ground0);
    v128.store(row + i, ground1, 16);
    v128.store(row + i, ground2, 32);
  }
}

/** A bit for each of 48 bytes that is not the ground's. */
// @ts-ignore: decorator
@inline
function differing(at: usize): u64 {
  const first = <u64>i8x16.bitmask(i8x16.ne(v128.load(at), ground0));
  const second = <u64>i8x16.bitmask(i8x16.ne(v128.load(at, 16), ground1));
  const third = <u64>i8x16.bitmask(i8x16.ne(v128.load(at, 32), ground2));
  return first | (second << 16) | (third << 32);
}

/** The first pixel of a row that is not the ground's; `width` when there is none. */
function firstDifferent(row: usize, width: i32): i32 {
  for (let i = 0; i < width * 3; i += groundBytes) {
    const bits = differing(row + i);
    if (bits != 0) return min(width, (i + <i32>ctz(bits)) / 3);
  }
  return width;
}

/** The last one; -1 when there is none. */
function lastDifferent(row: usize, width: i32): i32 {
  const end = width * 3;
  for (let i = ((end - 1) / groundBytes) * groundBytes; i >= 0; i -= groundBytes) {
    let bits = differing(row + i);
    if (end - i < groundBytes) bits &= (<u64>1 << (end - i)) - 1;
    if (bits != 0) return (i + 63 - <i32>clz(bits)) / 3;
  }
  return -1;
}

/** Each row from `width` to `outWidth` pixels, two rows at a time. Writes an extent for each, and at most one more. */
export function resizeRows(
  pixels: usize,
  width: i32,
  height: i32,
  result: usize,
  outWidth: i32,
  starts: usize,
  pairs: usize,
  weights: usize,
  stride: i32,
  extents: usize,
): void {
  const rowBytes = <usize>(3 * width);
  const outBytes = <usize>(3 * outWidth);
  takeGround(pixels);
  storeExtent(extents, height, outWidth, -1);
  for (let y = 0; y < height; y += 2) {
    // The last row of an odd number is made twice.
    const isLast = y + 1 == height;
    const next: usize = isLast ? 0 : rowBytes;
    const outNext: usize = isLast ? 0 : outBytes;
    const left = min(firstDifferent(pixels, width), firstDifferent(pixels + next, width));
    const right = max(lastDifferent(pixels, width), lastDifferent(pixels + next, width));
    let first = 0;
    while (first < outWidth && windowEnd(starts, pairs, first) <= left) first++;
    let last = first == outWidth ? -1 : outWidth - 1;
    while (last >= first && load<i32>(starts + 4 * last) > right) last--;
    storeExtent(extents, y, first, last);
    storeExtent(extents, y + 1, first, last);
    fillGround(result, outBytes);
    fillGround(result + outNext, outBytes);
    let to = result + 3 * first;
    for (let x = first; x <= last; x++) {
      let upper0 = i32x4.splat(0);
      let lower0 = i32x4.splat(0);
      let upper1 = i32x4.splat(0);
      let lower1 = i32x4.splat(0);
      let from = pixels + 3 * load<u32>(starts + 4 * x);
      let weight = weights + 4 * (x * stride);
      const end = weight + pairBytes * load<u32>(pairs + 4 * x);
      for (; weight < end; weight += pairBytes, from += 6) {
        const upper = v128.load32_splat(weight);
        const lower = v128.load32_splat(weight, 4);
        const first = twoPixels(from);
        const second = twoPixels(from + next);
        upper0 = i32x4.add(upper0, i32x4.dot_i16x8_s(first, upper));
        lower0 = i32x4.add(lower0, i32x4.dot_i16x8_s(first, lower));
        upper1 = i32x4.add(upper1, i32x4.dot_i16x8_s(second, upper));
        lower1 = i32x4.add(lower1, i32x4.dot_i16x8_s(second, lower));
      }
      storePixel(to, toBytes(rounded(upper0, lower0)));
      storePixel(to + outNext, toBytes(rounded(upper1, lower1)));
      to += 3;
    }
    pixels += rowBytes * 2;
    result += outBytes * 2;
  }
}

// @ts-ignore: decorator
@inline
function storeExtent(extents: usize, row: i32, first: i32, last: i32): void {
  store<i32>(extents + 8 * row, first);
  store<i32>(extents + 8 * row, last, 4);
}

/** Behind the last input position of an output position. */
// @ts-ignore: decorator
@inline
function windowEnd(starts: usize, pairs: usize, position: i32): i32 {
  return load<i32>(starts + 4 * position) + 2 * load<i32>(pairs + 4 * position);
}

// @ts-ignore: decorator
@inline
function storePixel(to: usize, bytes: v128): void {
  v128.store16_lane(to, bytes, 0);
  v128.store8_lane(to, bytes, 2, 2);
}

/** All columns to `outHeight` pixels, of rows of `rowBytes` whose extents are known, those of one more among them. */
export function resizeColumns(
  pixels: usize,
  rowBytes: i32,
  result: usize,
  outHeight: i32,
  starts: usize,
  pairs: usize,
  weights: usize,
  stride: i32,
  extents: usize,
): void {
  const zero = i32x4.splat(0);
  for (let y = 0; y < outHeight; y++) {
    const start = load<i32>(starts + 4 * y);
    const first = pixels + rowBytes * start;
    const firstWeight = weights + 4 * (y * stride);
    const end = firstWeight + pairBytes * load<u32>(pairs + 4 * y);
    let left = rowBytes;
    let right = -1;
    for (let row = start; row < windowEnd(starts, pairs, y); row++) {
      left = min(left, 3 * load<i32>(extents + 8 * row));
      right = max(right, 3 * load<i32>(extents + 8 * row, 4) + 2);
    }
    fillGround(result, rowBytes);
    // What is written past a row's end belongs to the next row, which is written after this one.
    for (let i = left & ~15; i <= right; i += 16) {
      let upper0 = zero;
      let upper1 = zero;
      let upper2 = zero;
      let upper3 = zero;
      let lower0 = zero;
      let lower1 = zero;
      let lower2 = zero;
      let lower3 = zero;
      let from = first + i;
      for (let weight = firstWeight; weight < end; weight += pairBytes, from += 2 * rowBytes) {
        const upper = v128.load32_splat(weight);
        const lower = v128.load32_splat(weight, 4);
        const a = v128.load(from);
        const b = v128.load(from + rowBytes);
        const low = v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
        const high = v128.shuffle<u8>(
          a,
          b,
          8,
          24,
          9,
          25,
          10,
          26,
          11,
          27,
          12,
          28,
          13,
          29,
          14,
          30,
          15,
          31,
        );
        const p0 = i16x8.extend_low_i8x16_u(low);
        const p1 = i16x8.extend_high_i8x16_u(low);
        const p2 = i16x8.extend_low_i8x16_u(high);
        const p3 = i16x8.extend_high_i8x16_u(high);
        upper0 = i32x4.add(upper0, i32x4.dot_i16x8_s(p0, upper));
        lower0 = i32x4.add(lower0, i32x4.dot_i16x8_s(p0, lower));
        upper1 = i32x4.add(upper1, i32x4.dot_i16x8_s(p1, upper));
        lower1 = i32x4.add(lower1, i32x4.dot_i16x8_s(p1, lower));
        upper2 = i32x4.add(upper2, i32x4.dot_i16x8_s(p2, upper));
        lower2 = i32x4.add(lower2, i32x4.dot_i16x8_s(p2, lower));
        upper3 = i32x4.add(upper3, i32x4.dot_i16x8_s(p3, upper));
        lower3 = i32x4.add(lower3, i32x4.dot_i16x8_s(p3, lower));
      }
      const left = i16x8.narrow_i32x4_s(rounded(upper0, lower0), rounded(upper1, lower1));
      const right = i16x8.narrow_i32x4_s(rounded(upper2, lower2), rounded(upper3, lower3));
      v128.store(result + i, i8x16.narrow_i16x8_u(left, right));
    }
    result += rowBytes;
  }
}
