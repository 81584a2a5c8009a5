/** The pixels of a tile (K2): cleared, blended into four at a time, and written into the picture. */
import { atFinished, constant, pixels, planeBytes, rowSpans, state, tileRowBytes, tileSize } from "./memory";

/** Nothing drawn yet; pixels outside the picture are finished from the start. */
export function clearTile(columns: i32, rows: i32): void {
  const zero = f32x4.splat(0);
  const iota = f32x4(0, 1, 2, 3);
  const outside: i32 = columns == tileSize ? 0 : -1 << columns;
  for (let y: i32 = 0; y < tileSize; y++) {
    const row = state + <usize>y * tileRowBytes;
    for (let x: usize = 0; x < <usize>tileSize; x += 4) {
      const inside = f32x4.lt(
        f32x4.add(iota, f32x4.splat(<f32>x)),
        f32x4.splat(<f32>(y < rows ? columns : <i32>0)),
      );
      const at = row + (x << 2);
      v128.store(at, v128.and(inside, f32x4.splat(1)));
      v128.store(at + planeBytes, zero);
      v128.store(at + planeBytes * 2, zero);
      v128.store(at + planeBytes * 3, zero);
    }
    store<i32>(state + atFinished + (<usize>y << 2), y < rows ? outside : -1);
  }
}

export function isFinished(): bool {
  let all = i32x4.splat(-1);
  for (let y: usize = 0; y < <usize>tileSize; y += 4) {
    all = v128.and(all, v128.load(state + atFinished + (y << 2)));
  }
  return i32x4.all_true(i32x4.eq(all, i32x4.splat(-1)));
}

/** Blends α into four pixels; returns which of them are finished. */
// @ts-ignore: decorator
@inline
export function blendPixels(
  at: usize,
  alphas: v128,
  red: v128,
  green: v128,
  blue: v128,
  most: v128,
  least: v128,
  leastT: v128,
  sign: v128,
): i32 {
  const T = v128.load(at);
  const alpha = f32x4.pmin(most, alphas);
  const drawn = f32x4.ge(alpha, least);
  const weight = f32x4.mul(alpha, T);
  const isOpen = f32x4.gt(f32x4.sub(T, weight), leastT);
  const added = v128.and(weight, v128.and(drawn, isOpen));
  const finished = v128.and(v128.andnot(drawn, isOpen), sign);
  const rest = v128.or(f32x4.sub(T, added), finished);
  v128.store(at, rest);
  v128.store(
    at,
    f32x4.add(v128.load(at, planeBytes), f32x4.mul(added, red)),
    planeBytes,
  );
  v128.store(
    at,
    f32x4.add(v128.load(at, planeBytes * 2), f32x4.mul(added, green)),
    planeBytes * 2,
  );
  v128.store(
    at,
    f32x4.add(v128.load(at, planeBytes * 3), f32x4.mul(added, blue)),
    planeBytes * 3,
  );
  return i32x4.bitmask(rest);
}

/** 2^x for x from −126 to 127. */
// @ts-ignore: decorator
@inline
export function exp2(x: v128): v128 {
  const magic = constant(24);
  const shifted = f32x4.add(x, magic);
  const f = f32x4.sub(x, f32x4.sub(shifted, magic));
  let value = f32x4.add(f32x4.mul(constant(20), f), constant(16));
  value = f32x4.add(f32x4.mul(value, f), constant(12));
  value = f32x4.add(f32x4.mul(value, f), constant(8));
  value = f32x4.add(f32x4.mul(value, f), constant(4));
  value = f32x4.add(f32x4.mul(value, f), constant(0));
  return i32x4.add(value, i32x4.shl(shifted, 23));
}

/** Step 6: background, clamp, floor(255·v). */
export function writeTile(
  left: i32,
  top: i32,
  columns: i32,
  rows: i32,
  size: i32,
  red: f32,
  green: f32,
  blue: f32,
): void {
  const vr = f32x4.splat(red);
  const vg = f32x4.splat(green);
  const vb = f32x4.splat(blue);
  for (let y: i32 = 0; y < rows; y++) {
    let to = pixels + ((top + y) * size + left) * 3;
    let at = state + <usize>y * tileRowBytes;
    for (let x: i32 = 0; x < columns; x += 4) {
      const T = f32x4.abs(v128.load(at));
      const r = quantised(v128.load(at, planeBytes), T, vr);
      const g = quantised(v128.load(at, planeBytes * 2), T, vg);
      const b = quantised(v128.load(at, planeBytes * 3), T, vb);
      const planes = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_u(r, g), i16x8.narrow_i32x4_u(b, b));
      const mixed = v128.shuffle<u8>(
        planes,
        planes,
        0,
        4,
        8,
        1,
        5,
        9,
        2,
        6,
        10,
        3,
        7,
        11,
        12,
        12,
        12,
        12,
      );
      if (columns - x >= 4) {
        v128.store64_lane(to, mixed, 0);
        v128.store32_lane(to, mixed, 2, 8);
      } else {
        v128.store(rowSpans, mixed);
        memory.copy(to, rowSpans, <usize>(columns - x) * 3);
      }
      to += 12;
      at += 16;
    }
  }
}

/** Step 6 where nothing is drawn: most tiles of most pictures. */
export function fillTile(
  left: i32,
  top: i32,
  columns: i32,
  rows: i32,
  size: i32,
  red: f32,
  green: f32,
  blue: f32,
): void {
  const ground = quantised(
    f32x4.splat(0),
    f32x4.splat(1),
    f32x4.replace_lane(f32x4.replace_lane(f32x4.splat(red), 1, green), 2, blue),
  );
  const first = i8x16.swizzle(ground, i8x16(0, 4, 8, 0, 4, 8, 0, 4, 8, 0, 4, 8, 0, 4, 8, 0));
  const second = i8x16.swizzle(ground, i8x16(4, 8, 0, 4, 8, 0, 4, 8, 0, 4, 8, 0, 4, 8, 0, 4));
  const third = i8x16.swizzle(ground, i8x16(8, 0, 4, 8, 0, 4, 8, 0, 4, 8, 0, 4, 8, 0, 4, 8));
  for (let y: i32 = 0; y < rows; y++) {
    const to: usize = pixels + ((top + y) * size + left) * 3;
    if (columns == tileSize) {
      v128.store(to, first);
      v128.store(to, second, 16);
      v128.store(to, third, 32);
      v128.store(to, first, 48);
      v128.store(to, second, 64);
      v128.store(to, third, 80);
    } else {
      for (let x: i32 = 0; x < columns; x++) {
        v128.store16_lane(to + x * 3, first, 0);
        v128.store8_lane(to + x * 3, first, 2, 2);
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function quantised(colour: v128, transmittance: v128, background: v128): v128 {
  const value = f32x4.add(colour, f32x4.mul(transmittance, background));
  const clamped = f32x4.pmin(f32x4.splat(1), f32x4.pmax(f32x4.splat(0), value));
  return i32x4.trunc_sat_f32x4_s(f32x4.mul(clamped, f32x4.splat(255)));
}
