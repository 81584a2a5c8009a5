/**
 * The two passes of Pillow's resize, in AssemblyScript: `node src/kernels/build.ts` makes resize.wasm of it. Pictures
 * have three bytes a pixel; windows lie as three arrays: for each output position its first input position and half its
 * number of weights, 32 bits each, then `stride` weights a position, two by two. Up to 16 bytes behind a picture are read
 * and written.
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

/** Each row from `width` to `outWidth` pixels, two rows at a time. */
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
): void {
  const rowBytes = <usize>(3 * width);
  const outBytes = <usize>(3 * outWidth);
  for (let y = 0; y < height; y += 2) {
    // The last row of an odd number is made twice.
    const isLast = y + 1 == height;
    const next: usize = isLast ? 0 : rowBytes;
    const outNext: usize = isLast ? 0 : outBytes;
    let to = result;
    for (let x = 0; x < outWidth; x++) {
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
      // The fourth byte is the next pixel's, which is written after this one; that of the first row's last pixel
      // would be the second row's.
      const bytes = toBytes(rounded(upper0, lower0));
      v128.store16_lane(to, bytes, 0);
      v128.store8_lane(to, bytes, 2, 2);
      v128.store32_lane(to + outNext, toBytes(rounded(upper1, lower1)), 0);
      to += 3;
    }
    pixels += rowBytes * 2;
    result += outBytes * 2;
  }
}

/** All columns to `outHeight` pixels; `rowBytes` lie side by side. */
export function resizeColumns(
  pixels: usize,
  rowBytes: i32,
  result: usize,
  outHeight: i32,
  starts: usize,
  pairs: usize,
  weights: usize,
  stride: i32,
): void {
  const zero = i32x4.splat(0);
  for (let y = 0; y < outHeight; y++) {
    const first = pixels + rowBytes * load<u32>(starts + 4 * y);
    const firstWeight = weights + 4 * (y * stride);
    const end = firstWeight + pairBytes * load<u32>(pairs + 4 * y);
    // What is written past a row's end belongs to the next row, which is written after this one.
    for (let i = 0; i < rowBytes; i += 16) {
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
