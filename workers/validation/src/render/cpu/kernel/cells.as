/** Step 5: the records of a tile are blended into it, front to back; most of them in cells of 8 × 16 pixels. */
import {
  atBlue,
  atBox,
  atFinished,
  atGreen,
  atH,
  atK,
  atLogOpacity,
  atRed,
  atSlope,
  atU,
  atV,
  bottomOf,
  constant,
  leftOf,
  rightOf,
  state,
  tileRowBytes,
  tileSize,
  topOf,
} from "./memory";
import { blendPixels, exp2, isFinished } from "./pixels";
import { blendRows } from "./rows";
import { sorted } from "./tiles";

/** Blends the sorted records from number `from` to before `n` front to back; a finished pixel has transmittance −T. */
export function blendRecords(
  from: i32,
  n: i32,
  left: i32,
  top: i32,
  columns: i32,
  rows: i32,
): void {
  let asked = from;
  for (let i = from; i < n; i++) {
    if (i == asked) {
      if ((i & 255) == 0 && isFinished()) return;
      asked = min(n, i + askedTogether);
      askFor(i, asked);
    }
    const record: usize = load<u32>(sorted + ((<usize>i) << 3));
    const box = load<u64>(record, atBox);
    const boxLeft = leftOf(box) - left;
    const boxTop = topOf(box) - top;
    const start = max(0, boxLeft);
    const end = min(columns - 1, rightOf(box) - left);
    const first = max(0, boxTop);
    const bottom = min(rows - 1, bottomOf(box) - top);
    const u = load<f32>(record, atU) + <f32>boxLeft;
    const v = load<f32>(record, atV) + <f32>boxTop;
    const width = end - start;
    const height = bottom - first;
    const isOneCell = width < 8 && height < cellRows;
    // Where one cell is enough it begins where the splat does; otherwise cells may not overlap.
    const x = isOneCell ? min(start, width < 4 ? tileSize - 4 : tileSize - 8) : start & ~3;
    const k = load<f32>(record, atK);
    const slope = load<f32>(record, atSlope);
    const h = load<f32>(record, atH);
    // The middle and half of the extent: a maximum of two would be a branch.
    const halfHeight = <f32>0.5 * <f32>height;
    const high = abs(<f32>first + halfHeight - v) + halfHeight;
    const halfWidth = <f32>0.5 * <f32>((end - x) | 3);
    const wide = abs(<f32>x + halfWidth - u) + halfWidth + abs(slope) * high;
    const shown = i32x4.splat(((2 << end) - 1) & (-1 << start));
    if (!(k * wide * wide + h * high * high < mostExponent)) {
      blendRows(record, u, v, first, bottom, i32x4.splat(columns - 1));
    } else if (isOneCell) {
      if (isOpen(shown, first, height)) {
        blendCell(record, k, slope, h, <f32>x - u, <f32>first - v, x, first, height, width < 4);
      }
    } else {
      blendCells(record, u, v, x, end, first, bottom, shown);
    }
  }
}

/** With more, products lose what the pictures show: 32 cost 10 dB. */
// @ts-ignore: decorator
@inline const cellRows: i32 = 16;
/** Their lines have room in the first-level cache, beside the tile. */
const askedTogether: i32 = 64;
/** What was read last; the compiler may not leave out what somebody could look at. */
let asking: u64 = 0;

/**
 * Reads one number of each of the records from `from` to `end`. They lie anywhere in the second-level cache: asked for
 * all at once they come in the time of a few, and are near when their turn comes.
 */
function askFor(from: i32, end: i32): void {
  let all: u64 = 0;
  for (let i = from; i < end; i++) all |= load<u64>(load<u32>(sorted + ((<usize>i) << 3)));
  asking = all;
}

/** Whether one of the pixels `shown` in row `first` and `height` more is not finished. */
// @ts-ignore: decorator
@inline
function isOpen(shown: v128, first: i32, height: i32): bool {
  const rows = state + atFinished + (<usize>first << 2);
  for (let y: i32 = 0; y <= height; y += 8) {
    const count = i32x4.splat(height - y);
    const finished = rows + (<usize>y << 2);
    const open = v128.or(
      v128.andnot(v128.and(shown, i32x4.ge_s(count, i32x4(0, 1, 2, 3))), v128.load(finished)),
      v128.andnot(v128.and(shown, i32x4.ge_s(count, i32x4(4, 5, 6, 7))), v128.load(finished, 16)),
    );
    if (v128.any_true(open)) return true;
  }
  return false;
}

function blendCells(
  record: usize,
  u: f32,
  v: f32,
  start: i32,
  end: i32,
  first: i32,
  bottom: i32,
  shown: v128,
): void {
  const k = load<f32>(record, atK);
  const slope = load<f32>(record, atSlope);
  const h = load<f32>(record, atH);
  for (let y = first; y <= bottom; y += cellRows) {
    const height = min(cellRows - 1, bottom - y);
    for (let x = start; x <= end; x += 8) {
      if (isOpen(v128.and(shown, i32x4.splat(255 << x)), y, height)) {
        blendCell(record, k, slope, h, <f32>x - u, <f32>y - v, x, y, height, end - x < 4);
      }
    }
  }
}

/** Within so many powers of two of the opacity single precision has room for all products of a cell. */
const mostExponent: f32 = 100;

/**
 * A splat in at most 8 × 16 pixels, four columns at a time. By K3 with t = x − cx, α changes from one row to the next by
 * 2^(k·slope·(2t − slope) − h·(2·dy + 1)), and that by a constant: two powers for all rows, and products.
 */
// @ts-ignore: decorator
@inline
function blendCell(
  record: usize,
  k: f32,
  slope: f32,
  h: f32,
  dx: f32,
  dy: f32,
  x: i32,
  first: i32,
  height: i32,
  isNarrow: bool,
): void {
  const ks = k * slope;
  const t = dx - slope * dy;
  // How α changes from row to row at the first pixel; that from pixel to pixel; and from row to row.
  const powers = exp2(
    f32x4.replace_lane(
      f32x4.replace_lane(f32x4.splat(ks * (2 * t - slope) - h * (2 * dy + 1)), 1, 2 * ks),
      2,
      -2 * (ks * slope + h),
    ),
  );
  const q = v128.shuffle<f32>(powers, powers, 1, 1, 1, 1);
  const qq = f32x4.mul(q, q);
  const one = f32x4.splat(1);
  const alternate = v128.shuffle<f32>(one, q, 0, 4, 0, 4);
  const curve = v128.shuffle<f32>(powers, powers, 2, 2, 2, 2);
  let ratio = f32x4.mul(
    v128.shuffle<f32>(powers, powers, 0, 0, 0, 0),
    f32x4.mul(alternate, v128.shuffle<f32>(one, qq, 0, 0, 4, 4)),
  );
  const vk = f32x4.splat(k);
  const base = f32x4.splat(load<f32>(record, atLogOpacity) - h * dy * dy);
  const ts = f32x4.add(f32x4.splat(t), f32x4(0, 1, 2, 3));
  let alphas = exp2(f32x4.sub(base, f32x4.mul(f32x4.mul(vk, ts), ts)));
  const most = constant(28);
  const least = constant(32);
  const leastT = constant(36);
  const sign = constant(40);
  const red = v128.load32_splat(record, atRed);
  const green = v128.load32_splat(record, atGreen);
  const blue = v128.load32_splat(record, atBlue);
  let at = state + <usize>first * tileRowBytes + (<usize>x << 2);
  let finished = state + atFinished + (<usize>first << 2);
  const end = finished + (<usize>height << 2);
  if (isNarrow) {
    for (; finished <= end; finished += 4) {
      const bits = blendPixels(at, alphas, red, green, blue, most, least, leastT, sign);
      store<i32>(finished, load<i32>(finished) | (bits << x));
      alphas = f32x4.mul(alphas, ratio);
      ratio = f32x4.mul(ratio, curve);
      at += tileRowBytes;
    }
    return;
  }
  const ts2 = f32x4.add(ts, f32x4.splat(4));
  let alphas2 = exp2(f32x4.sub(base, f32x4.mul(f32x4.mul(vk, ts2), ts2)));
  let ratio2 = f32x4.mul(ratio, f32x4.mul(qq, qq));
  for (; finished <= end; finished += 4) {
    const bits = blendPixels(at, alphas, red, green, blue, most, least, leastT, sign);
    const bits2 = blendPixels(at + 16, alphas2, red, green, blue, most, least, leastT, sign);
    store<i32>(finished, load<i32>(finished) | ((bits | (bits2 << 4)) << x));
    alphas = f32x4.mul(alphas, ratio);
    ratio = f32x4.mul(ratio, curve);
    alphas2 = f32x4.mul(alphas2, ratio2);
    ratio2 = f32x4.mul(ratio2, curve);
    at += tileRowBytes;
  }
}
