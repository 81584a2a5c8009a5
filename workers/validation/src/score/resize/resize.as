/**
 * The two passes of Pillow's resize, in AssemblyScript: `node src/kernels/build.ts` makes resize.wasm of it. Pictures
 * have three bytes a pixel; windows lie as three arrays of 32-bit numbers: for each output position its first input
 * position and its number of weights, then `stride` weights a position. Up to 16 bytes behind a picture are read and
 * written.
 */

/** Bits after the point of a weight. Source: Pillow, PRECISION_BITS. */
// @ts-ignore: decorator
@inline const precisionBits: i32 = 32 - 8 - 2;

/** Where data may lie from on. */
export function firstByte(): usize {
  return __heap_base;
}

/** Four sums to four bytes, rounded and clamped. */
// @ts-ignore: decorator
@inline
function toBytes(sums: v128): v128 {
  const words = i16x8.narrow_i32x4_s(i32x4.shr_s(sums, precisionBits), i32x4.splat(0));
  return i8x16.narrow_i16x8_u(words, words);
}

/** Each row from `width` to `outWidth` pixels. */
export function resizeRows(
  pixels: usize,
  width: i32,
  height: i32,
  result: usize,
  outWidth: i32,
  starts: usize,
  lengths: usize,
  weights: usize,
  stride: i32,
): void {
  const half = i32x4.splat(1 << (precisionBits - 1));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < outWidth; x++) {
      let sums = half;
      let from = pixels + 3 * load<u32>(starts + 4 * x);
      let weight = weights + 4 * (x * stride);
      const end = weight + 4 * load<u32>(lengths + 4 * x);
      for (; weight < end; weight += 4, from += 3) {
        const words = i16x8.extend_low_i8x16_u(v128.load32_zero(from));
        const pixel = i32x4.extend_low_i16x8_u(words);
        sums = i32x4.add(sums, i32x4.mul(pixel, v128.load32_splat(weight)));
      }
      // The fourth byte is the next pixel's, which is written after this one.
      v128.store32_lane(result, toBytes(sums), 0);
      result += 3;
    }
    pixels += 3 * width;
  }
}

/** All columns to `outHeight` pixels; `rowBytes` lie side by side. */
export function resizeColumns(
  pixels: usize,
  rowBytes: i32,
  result: usize,
  outHeight: i32,
  starts: usize,
  lengths: usize,
  weights: usize,
  stride: i32,
): void {
  const half = i32x4.splat(1 << (precisionBits - 1));
  for (let y = 0; y < outHeight; y++) {
    const first = pixels + rowBytes * load<u32>(starts + 4 * y);
    const firstWeight = weights + 4 * (y * stride);
    const end = firstWeight + 4 * load<u32>(lengths + 4 * y);
    // What is written past a row's end belongs to the next row, which is written after this one.
    for (let i = 0; i < rowBytes; i += 16) {
      let a = half;
      let b = half;
      let c = half;
      let d = half;
      let from = first + i;
      for (let weight = firstWeight; weight < end; weight += 4, from += rowBytes) {
        const bytes = v128.load(from);
        const factor = v128.load32_splat(weight);
        const low = i16x8.extend_low_i8x16_u(bytes);
        const high = i16x8.extend_high_i8x16_u(bytes);
        a = i32x4.add(a, i32x4.mul(i32x4.extend_low_i16x8_u(low), factor));
        b = i32x4.add(b, i32x4.mul(i32x4.extend_high_i16x8_u(low), factor));
        c = i32x4.add(c, i32x4.mul(i32x4.extend_low_i16x8_u(high), factor));
        d = i32x4.add(d, i32x4.mul(i32x4.extend_high_i16x8_u(high), factor));
      }
      const left = i16x8.narrow_i32x4_s(
        i32x4.shr_s(a, precisionBits),
        i32x4.shr_s(b, precisionBits),
      );
      const right = i16x8.narrow_i32x4_s(
        i32x4.shr_s(c, precisionBits),
        i32x4.shr_s(d, precisionBits),
      );
      v128.store(result + i, i8x16.narrow_i16x8_u(left, right));
    }
    result += rowBytes;
  }
}
