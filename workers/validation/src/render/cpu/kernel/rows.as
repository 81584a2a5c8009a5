/** Step 5 for large splats and thin ones: row by row, by the exact span of each (K3). */
import {
  atBlue,
  atFinished,
  atGreen,
  atH,
  atK,
  atLogOpacity,
  atRed,
  atSlope,
  constant,
  log2Of255,
  rowLog,
  rowSpans,
  spanMargin,
  state,
  tileRowBytes,
} from "./memory";
import { blendPixels, exp2 } from "./pixels";

/** In what `writeRows` finds out about a row: behind α of four pixels, how that changes to the next four. */
// @ts-ignore: decorator
@inline const atRatio: usize = 16;
/** First and last column; the last lies before the first where nothing is drawn. */
// @ts-ignore: decorator
@inline const atFirst: usize = 20;
// @ts-ignore: decorator
@inline const atLast: usize = 24;

/** A splat row by row. */
// @ts-ignore: decorator
@inline
export function blendRows(
  record: usize,
  u: f32,
  v: f32,
  first: i32,
  bottom: i32,
  lastColumn: v128,
): void {
  const most = constant(28);
  const least = constant(32);
  const leastT = constant(36);
  const sign = constant(40);
  const k = v128.load32_splat(record, atK);
  // 2^(−k·8j), j = 0..3: how the ratio changes along a block.
  const along = exp2(f32x4.mul(k, f32x4(0, -8, -16, -24)));
  const step = f32x4.splat(f32x4.extract_lane(along, 2));
  writeRows(record, u, v, first, bottom, lastColumn, k, step);
  const ratioStep = f32x4.mul(step, step);
  const red = v128.load32_splat(record, atRed);
  const green = v128.load32_splat(record, atGreen);
  const blue = v128.load32_splat(record, atBlue);
  for (let y = first; y <= bottom; y++) {
    const row = rowSpans + ((<usize>y) << rowLog);
    const start = load<i32>(row, atFirst);
    const end = load<i32>(row, atLast);
    if (end < start) continue;
    let x = start & ~3;
    const finished = state + atFinished + ((<usize>y) << 2);
    let bits = load<i32>(finished);
    if ((~bits & ((2 << end) - (1 << x))) == 0) continue;
    let alphas = v128.load(row);
    let ratio = f32x4.mul(v128.load32_splat(row, atRatio), along);
    let at = state + <usize>y * tileRowBytes + ((<usize>x) << 2);
    for (;;) {
      if (((bits >> x) & 15) != 15) {
        bits |= blendPixels(at, alphas, red, green, blue, most, least, leastT, sign) << x;
      }
      x += 4;
      if (x > end) break;
      at += 16;
      alphas = f32x4.mul(alphas, ratio);
      ratio = f32x4.mul(ratio, ratioStep);
    }
    store<i32>(finished, bits);
  }
}

/**
 * K3 for rows `first` to `bottom`, four at a time. With t₀ the distance of a row's first pixel from cx,
 * α of pixel j is 2^(base − k·t₀²) · (2^(−2k·t₀))^j · 2^(−k·j²): two powers for four rows, and products.
 */
// @ts-ignore: decorator
@inline
function writeRows(
  record: usize,
  fromLeft: f32,
  v: f32,
  first: i32,
  bottom: i32,
  lastColumn: v128,
  k: v128,
  step: v128,
): void {
  const u = f32x4.splat(fromLeft);
  const slope = v128.load32_splat(record, atSlope);
  const h = v128.load32_splat(record, atH);
  const width = f32x4.div(f32x4.splat(1), f32x4.sqrt(k));
  const logOpacity = v128.load32_splat(record, atLogOpacity);
  const powers = exp2(f32x4.mul(k, f32x4(0, -1, -4, -9)));
  const c1 = f32x4.splat(f32x4.extract_lane(powers, 1));
  const c2 = f32x4.splat(f32x4.extract_lane(powers, 2));
  const c3 = f32x4.splat(f32x4.extract_lane(powers, 3));
  const zero = f32x4.splat(0);
  const iota = f32x4(0, 1, 2, 3);
  for (let y = first; y <= bottom; y += 4) {
    const dy = f32x4.add(f32x4.splat(<f32>y - v), iota);
    const base = f32x4.sub(logOpacity, f32x4.mul(h, f32x4.mul(dy, dy)));
    const room = f32x4.add(base, f32x4.splat(log2Of255));
    const cx = f32x4.add(u, f32x4.mul(slope, dy));
    // NaN where the row is not reached: it becomes 0 as an integer.
    const reach = f32x4.add(f32x4.mul(f32x4.sqrt(room), width), f32x4.splat(spanMargin));
    const isReached = f32x4.ge(room, zero);
    const start = i32x4.max_s(i32x4.trunc_sat_f32x4_s(f32x4.ceil(f32x4.sub(cx, reach))), zero);
    const end = i32x4.min_s(i32x4.trunc_sat_f32x4_s(f32x4.floor(f32x4.add(cx, reach))), lastColumn);
    const last = v128.bitselect(end, i32x4.splat(-1), isReached);
    const t = f32x4.sub(f32x4.convert_i32x4_s(v128.and(start, i32x4.splat(~3))), cx);
    const kt = f32x4.mul(k, t);
    const a0 = exp2(f32x4.sub(base, f32x4.mul(kt, t)));
    const b = exp2(f32x4.mul(kt, f32x4.splat(-2)));
    const ab = f32x4.mul(a0, b);
    const abb = f32x4.mul(ab, b);
    const a1 = f32x4.mul(ab, c1);
    const a2 = f32x4.mul(abb, c2);
    const a3 = f32x4.mul(f32x4.mul(abb, b), c3);
    const bb = f32x4.mul(b, b);
    const ratio = f32x4.mul(f32x4.mul(bb, bb), step);
    // Rows become columns: each row's four alphas, and its three other fields, side by side.
    const lo01 = v128.shuffle<f32>(a0, a1, 0, 4, 1, 5);
    const hi01 = v128.shuffle<f32>(a0, a1, 2, 6, 3, 7);
    const lo23 = v128.shuffle<f32>(a2, a3, 0, 4, 1, 5);
    const hi23 = v128.shuffle<f32>(a2, a3, 2, 6, 3, 7);
    const row = rowSpans + ((<usize>y) << rowLog);
    v128.store(row, v128.shuffle<f32>(lo01, lo23, 0, 1, 4, 5));
    v128.store(row + 32, v128.shuffle<f32>(lo01, lo23, 2, 3, 6, 7));
    v128.store(row + 64, v128.shuffle<f32>(hi01, hi23, 0, 1, 4, 5));
    v128.store(row + 96, v128.shuffle<f32>(hi01, hi23, 2, 3, 6, 7));
    const lo = v128.shuffle<f32>(ratio, start, 0, 4, 1, 5);
    const hi = v128.shuffle<f32>(ratio, start, 2, 6, 3, 7);
    v128.store(row, v128.shuffle<f32>(lo, last, 0, 1, 4, 4), atRatio);
    v128.store(row + 32, v128.shuffle<f32>(lo, last, 2, 3, 5, 5), atRatio);
    v128.store(row + 64, v128.shuffle<f32>(hi, last, 0, 1, 6, 6), atRatio);
    v128.store(row + 96, v128.shuffle<f32>(hi, last, 2, 3, 7, 7), atRatio);
  }
}
