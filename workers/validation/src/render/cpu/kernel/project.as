/** Steps 1 to 3: splats as the camera sees them, appended to the tiles that they touch. */
import { blurVariance, jacobianLimit, nearPlane } from "./constants";
import { shColour } from "./harmonics";
import {
  across,
  aligned,
  colours,
  covariances,
  indices,
  log2E,
  log2Of255,
  positions,
  reaches,
  rowSpans,
  spanMargin,
  tileLog,
} from "./memory";
import {
  append,
  firstTileColumn,
  firstTileRow,
  isFull,
  lastTileColumn,
  lastTileRow,
} from "./tiles";

/**
 * Steps 1 to 3, four splats at a time, in the order of the input: appends a record to each of the tiles drawn now that a
 * splat may touch.
 */
export function project(count: i32, degree: i32, camera: usize, size: i32): void {
  const column = aligned(<usize>count * 4);
  const focal = v128.load64_splat(camera, 96);
  const centre = f64x2.splat(load<f64>(camera, 104) - 0.5);
  const limit = f32x4.splat(<f32>(jacobianLimit * load<f64>(camera, 112)));
  const zero = f32x4.splat(0);
  const blur = f32x4.splat(<f32>blurVariance);
  const half = f32x4.splat(<f32>(0.5 * log2E));
  const last = f32x4.splat(<f32>(size - 1));
  const drawnLeft = f32x4.splat(<f32>(firstTileColumn << tileLog));
  const drawnRight = f32x4.splat(<f32>(((lastTileColumn + 1) << tileLog) - 1));
  const drawnTop = f32x4.splat(<f32>(firstTileRow << tileLog));
  const drawnBottom = f32x4.splat(<f32>(((lastTileRow + 1) << tileLog) - 1));
  const colourBytes: usize = degree == 0 ? 16 : (degree + 1) * (degree + 1) * 16;
  const tilesInRow = i32x4.splat(across);

  for (let i: i32 = 0; i < count && !isFull; i += 4) {
    const at: usize = (<usize>i) << 2;
    // Where a splat is takes double precision; what it looks like there, single.
    const x0 = viewed(camera, 0, at, column);
    const y0 = viewed(camera, 24, at, column);
    const z0 = viewed(camera, 48, at, column);
    const x1 = viewed(camera, 0, at + 8, column);
    const y1 = viewed(camera, 24, at + 8, column);
    const z1 = viewed(camera, 48, at + 8, column);
    const inverse0 = f64x2.div(f64x2.splat(1), z0);
    const inverse1 = f64x2.div(f64x2.splat(1), z1);
    const xz0 = f64x2.mul(x0, inverse0);
    const xz1 = f64x2.mul(x1, inverse1);
    const yz0 = f64x2.mul(y0, inverse0);
    const yz1 = f64x2.mul(y1, inverse1);
    const u0 = f64x2.add(f64x2.mul(focal, xz0), centre);
    const u1 = f64x2.add(f64x2.mul(focal, xz1), centre);
    const v0 = f64x2.add(f64x2.mul(focal, yz0), centre);
    const v1 = f64x2.add(f64x2.mul(focal, yz1), centre);
    const depth = joined(z0, z1);
    const u = joined(u0, u1);
    const v = joined(v0, v1);

    // Rows of J·W.
    const j = joined(f64x2.mul(focal, inverse0), f64x2.mul(focal, inverse1));
    const jx = f32x4.mul(j, clamped(joined(xz0, xz1), limit));
    const jy = f32x4.mul(j, clamped(joined(yz0, yz1), limit));
    const r20 = single(camera, 48);
    const r21 = single(camera, 56);
    const r22 = single(camera, 64);
    const ax = f32x4.sub(f32x4.mul(j, single(camera, 0)), f32x4.mul(jx, r20));
    const ay = f32x4.sub(f32x4.mul(j, single(camera, 8)), f32x4.mul(jx, r21));
    const az = f32x4.sub(f32x4.mul(j, single(camera, 16)), f32x4.mul(jx, r22));
    const bx = f32x4.sub(f32x4.mul(j, single(camera, 24)), f32x4.mul(jy, r20));
    const by = f32x4.sub(f32x4.mul(j, single(camera, 32)), f32x4.mul(jy, r21));
    const bz = f32x4.sub(f32x4.mul(j, single(camera, 40)), f32x4.mul(jy, r22));
    const covariance = covariances + at;
    const cxx = v128.load(covariance);
    const cxy = v128.load(covariance + column);
    const cxz = v128.load(covariance + column * 2);
    const cyy = v128.load(covariance + column * 3);
    const cyz = v128.load(covariance + column * 4);
    const czz = v128.load(covariance + column * 5);
    const sx = dot32(cxx, cxy, cxz, ax, ay, az);
    const sy = dot32(cxy, cyy, cyz, ax, ay, az);
    const sz = dot32(cxz, cyz, czz, ax, ay, az);
    const tx = dot32(cxx, cxy, cxz, bx, by, bz);
    const ty = dot32(cxy, cyy, cyz, bx, by, bz);
    const tz = dot32(cxz, cyz, czz, bx, by, bz);
    let varianceX = f32x4.add(dot32(ax, ay, az, sx, sy, sz), blur);
    let covarianceXY = dot32(bx, by, bz, sx, sy, sz);
    let varianceY = f32x4.add(dot32(bx, by, bz, tx, ty, tz), blur);
    const product = f32x4.mul(varianceX, varianceY);
    const determinant = f32x4.sub(product, f32x4.mul(covarianceXY, covarianceXY));
    // det / varianceY, the variance along a row, loses what the difference cancels.
    let varianceInRow = f32x4.div(determinant, varianceY);
    const isPrecise = v128.and(
      f32x4.gt(determinant, f32x4.mul(product, f32x4.splat(1.0 / 16.0))),
      f32x4.lt(product, f32x4.splat(1e30)),
    );
    if (!i32x4.all_true(isPrecise)) {
      preciseShape(camera, at, column, x0, y0, inverse0, 0);
      preciseShape(camera, at + 8, column, x1, y1, inverse1, 8);
      varianceX = v128.bitselect(varianceX, v128.load(rowSpans), isPrecise);
      covarianceXY = v128.bitselect(covarianceXY, v128.load(rowSpans, 16), isPrecise);
      varianceY = v128.bitselect(varianceY, v128.load(rowSpans, 32), isPrecise);
      varianceInRow = v128.bitselect(varianceInRow, v128.load(rowSpans, 48), isPrecise);
    }

    const logOpacity = v128.load(reaches + at);
    // σ at which α falls to 1/255, times two: in squared standard deviations.
    const reach = f32x4.mul(
      f32x4.splat(<f32>(2.0 / log2E)),
      f32x4.add(logOpacity, f32x4.splat(log2Of255)),
    );
    const margin = f32x4.splat(spanMargin);
    const reachX = f32x4.add(f32x4.sqrt(f32x4.mul(reach, varianceX)), margin);
    const reachY = f32x4.add(f32x4.sqrt(f32x4.mul(reach, varianceY)), margin);
    const left = f32x4.pmax(f32x4.ceil(f32x4.sub(u, reachX)), zero);
    const right = f32x4.pmin(f32x4.floor(f32x4.add(u, reachX)), last);
    const top = f32x4.pmax(f32x4.ceil(f32x4.sub(v, reachY)), zero);
    const bottom = f32x4.pmin(f32x4.floor(f32x4.add(v, reachY)), last);
    // False wherever something is not a number.
    const isSeen = v128.and(
      v128.and(
        v128.and(f32x4.gt(depth, f32x4.splat(<f32>nearPlane)), f32x4.gt(varianceInRow, zero)),
        v128.and(f32x4.lt(varianceY, f32x4.splat(f32.POSITIVE_INFINITY)), f32x4.le(left, right)),
      ),
      v128.and(
        v128.and(f32x4.le(top, bottom), f32x4.le(drawnTop, bottom)),
        v128.and(
          f32x4.le(top, drawnBottom),
          v128.and(f32x4.le(drawnLeft, right), f32x4.le(left, drawnRight)),
        ),
      ),
    );
    let seen = i32x4.bitmask(isSeen);
    if (count - i < 4) seen &= (1 << (count - i)) - 1;
    if (seen == 0) continue;

    const k = f32x4.div(half, varianceInRow);
    const inverseY = f32x4.div(f32x4.splat(1), varianceY);
    const slope = f32x4.mul(covarianceXY, inverseY);
    const h = f32x4.mul(half, inverseY);
    const du = joined(
      f64x2.sub(u0, f64x2.promote_low_f32x4(left)),
      f64x2.sub(u1, f64x2.promote_low_f32x4(upper(left))),
    );
    const dv = joined(
      f64x2.sub(v0, f64x2.promote_low_f32x4(top)),
      f64x2.sub(v1, f64x2.promote_low_f32x4(upper(top))),
    );
    const l = i32x4.trunc_sat_f32x4_s(left);
    const r = i32x4.trunc_sat_f32x4_s(right);
    const t = i32x4.trunc_sat_f32x4_s(top);
    const b = i32x4.trunc_sat_f32x4_s(bottom);
    const tileLeft = i32x4.shr_s(l, tileLog);
    const tileTop = i32x4.shr_s(t, tileLog);
    const isInOne = v128.and(
      i32x4.eq(tileLeft, i32x4.shr_s(r, tileLog)),
      i32x4.eq(tileTop, i32x4.shr_s(b, tileLog)),
    );
    const tile = v128.or(
      i32x4.add(i32x4.mul(tileTop, tilesInRow), tileLeft),
      v128.not(isInOne),
    );
    // Columns become records: the fields of each splat side by side.
    const lr = i16x8.narrow_i32x4_u(l, r);
    const tb = i16x8.narrow_i32x4_u(t, b);
    const box01 = v128.shuffle<i16>(lr, tb, 0, 4, 8, 12, 1, 5, 9, 13);
    const box23 = v128.shuffle<i16>(lr, tb, 2, 6, 10, 14, 3, 7, 11, 15);
    const uv01 = v128.shuffle<f32>(du, dv, 0, 4, 1, 5);
    const uv23 = v128.shuffle<f32>(du, dv, 2, 6, 3, 7);
    const ks01 = v128.shuffle<f32>(k, slope, 0, 4, 1, 5);
    const ks23 = v128.shuffle<f32>(k, slope, 2, 6, 3, 7);
    const hl01 = v128.shuffle<f32>(h, logOpacity, 0, 4, 1, 5);
    const hl23 = v128.shuffle<f32>(h, logOpacity, 2, 6, 3, 7);
    const splat = v128.load(indices + at);
    if (seen & 1) {
      append(
        i32x4.extract_lane(splat, 0),
        v128.shuffle<i64>(uv01, ks01, 0, 2),
        v128.shuffle<i64>(hl01, box01, 0, 2),
        shown(i, degree, colourBytes, camera, column),
        i32x4.extract_lane(depth, 0),
        i32x4.extract_lane(tile, 0),
      );
    }
    if (seen & 2) {
      append(
        i32x4.extract_lane(splat, 1),
        v128.shuffle<i64>(uv01, ks01, 1, 3),
        v128.shuffle<i64>(hl01, box01, 1, 3),
        shown(i + 1, degree, colourBytes, camera, column),
        i32x4.extract_lane(depth, 1),
        i32x4.extract_lane(tile, 1),
      );
    }
    if (seen & 4) {
      append(
        i32x4.extract_lane(splat, 2),
        v128.shuffle<i64>(uv23, ks23, 0, 2),
        v128.shuffle<i64>(hl23, box23, 0, 2),
        shown(i + 2, degree, colourBytes, camera, column),
        i32x4.extract_lane(depth, 2),
        i32x4.extract_lane(tile, 2),
      );
    }
    if (seen & 8) {
      append(
        i32x4.extract_lane(splat, 3),
        v128.shuffle<i64>(uv23, ks23, 1, 3),
        v128.shuffle<i64>(hl23, box23, 1, 3),
        shown(i + 3, degree, colourBytes, camera, column),
        i32x4.extract_lane(depth, 3),
        i32x4.extract_lane(tile, 3),
      );
    }
  }
}

/** One coordinate of two splats as the camera sees them; `row` is where that row of the rotation lies. */
// @ts-ignore: decorator
@inline
function viewed(camera: usize, row: usize, at: usize, column: usize): v128 {
  return dot(
    v128.load64_splat(camera + row),
    v128.load64_splat(camera + row + 8),
    v128.load64_splat(camera + row + 16),
    f64x2.sub(promoted(positions + at), v128.load64_splat(camera, 72)),
    f64x2.sub(promoted(positions + column + at), v128.load64_splat(camera, 80)),
    f64x2.sub(promoted(positions + column * 2 + at), v128.load64_splat(camera, 88)),
  );
}

/**
 * The shape of two splats as double precision has it, into `rowSpans`: variance in x, covariance, variance in y, variance
 * along a row; not a number where there is none.
 */
function preciseShape(
  camera: usize,
  at: usize,
  column: usize,
  x: v128,
  y: v128,
  inverseZ: v128,
  to: usize,
): void {
  const limit = f64x2.splat(jacobianLimit * load<f64>(camera, 112));
  const least = f64x2.neg(limit);
  const j = f64x2.mul(v128.load64_splat(camera, 96), inverseZ);
  const jx = f64x2.mul(j, f64x2.pmin(limit, f64x2.pmax(least, f64x2.mul(x, inverseZ))));
  const jy = f64x2.mul(j, f64x2.pmin(limit, f64x2.pmax(least, f64x2.mul(y, inverseZ))));
  const r20 = v128.load64_splat(camera, 48);
  const r21 = v128.load64_splat(camera, 56);
  const r22 = v128.load64_splat(camera, 64);
  const ax = f64x2.sub(f64x2.mul(j, v128.load64_splat(camera, 0)), f64x2.mul(jx, r20));
  const ay = f64x2.sub(f64x2.mul(j, v128.load64_splat(camera, 8)), f64x2.mul(jx, r21));
  const az = f64x2.sub(f64x2.mul(j, v128.load64_splat(camera, 16)), f64x2.mul(jx, r22));
  const bx = f64x2.sub(f64x2.mul(j, v128.load64_splat(camera, 24)), f64x2.mul(jy, r20));
  const by = f64x2.sub(f64x2.mul(j, v128.load64_splat(camera, 32)), f64x2.mul(jy, r21));
  const bz = f64x2.sub(f64x2.mul(j, v128.load64_splat(camera, 40)), f64x2.mul(jy, r22));
  const covariance = covariances + at;
  const cxx = promoted(covariance);
  const cxy = promoted(covariance + column);
  const cxz = promoted(covariance + column * 2);
  const cyy = promoted(covariance + column * 3);
  const cyz = promoted(covariance + column * 4);
  const czz = promoted(covariance + column * 5);
  const sx = dot(cxx, cxy, cxz, ax, ay, az);
  const sy = dot(cxy, cyy, cyz, ax, ay, az);
  const sz = dot(cxz, cyz, czz, ax, ay, az);
  const tx = dot(cxx, cxy, cxz, bx, by, bz);
  const ty = dot(cxy, cyy, cyz, bx, by, bz);
  const tz = dot(cxz, cyz, czz, bx, by, bz);
  const blur = f64x2.splat(blurVariance);
  const varianceX = f64x2.add(dot(ax, ay, az, sx, sy, sz), blur);
  const covarianceXY = dot(bx, by, bz, sx, sy, sz);
  const varianceY = f64x2.add(dot(bx, by, bz, tx, ty, tz), blur);
  const determinant = f64x2.sub(
    f64x2.mul(varianceX, varianceY),
    f64x2.mul(covarianceXY, covarianceXY),
  );
  const place = rowSpans + to;
  v128.store64_lane(place, f32x4.demote_f64x2_zero(varianceX), 0);
  v128.store64_lane(place, f32x4.demote_f64x2_zero(covarianceXY), 0, 16);
  v128.store64_lane(place, f32x4.demote_f64x2_zero(varianceY), 0, 32);
  v128.store64_lane(place, f32x4.demote_f64x2_zero(f64x2.div(determinant, varianceY)), 0, 48);
}

// @ts-ignore: decorator
@inline
function shown(i: i32, degree: i32, colourBytes: usize, camera: usize, column: usize): v128 {
  const colour = colours + <usize>i * colourBytes;
  return degree == 0 ? v128.load(colour) : seenColour(colour, i, degree, camera, column);
}

function seenColour(colour: usize, i: i32, degree: i32, camera: usize, column: usize): v128 {
  const position = positions + ((<usize>i) << 2);
  const x = <f64>load<f32>(position) - load<f64>(camera, 72);
  const y = <f64>load<f32>(position + column) - load<f64>(camera, 80);
  const z = <f64>load<f32>(position + column * 2) - load<f64>(camera, 88);
  const inverse = 1.0 / sqrt(x * x + y * y + z * z);
  return shColour(colour, degree, <f32>(x * inverse), <f32>(y * inverse), <f32>(z * inverse));
}

// @ts-ignore: decorator
@inline
function promoted(at: usize): v128 {
  return f64x2.promote_low_f32x4(v128.load64_zero(at));
}

/** The last two of four. */
// @ts-ignore: decorator
@inline
function upper(four: v128): v128 {
  return v128.shuffle<i64>(four, four, 1, 1);
}

/** Two pairs in double precision become four in single. */
// @ts-ignore: decorator
@inline
function joined(low: v128, high: v128): v128 {
  return v128.shuffle<i64>(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high), 0, 2);
}

// @ts-ignore: decorator
@inline
function single(camera: usize, at: usize): v128 {
  return f32x4.splat(<f32>load<f64>(camera + at));
}

// @ts-ignore: decorator
@inline
function clamped(value: v128, limit: v128): v128 {
  return f32x4.pmin(limit, f32x4.pmax(f32x4.neg(limit), value));
}

// @ts-ignore: decorator
@inline
function dot(a0: v128, a1: v128, a2: v128, b0: v128, b1: v128, b2: v128): v128 {
  return f64x2.add(f64x2.add(f64x2.mul(a0, b0), f64x2.mul(a1, b1)), f64x2.mul(a2, b2));
}

// @ts-ignore: decorator
@inline
function dot32(a0: v128, a1: v128, a2: v128, b0: v128, b1: v128, b2: v128): v128 {
  return f32x4.add(f32x4.add(f32x4.mul(a0, b0), f32x4.mul(a1, b1)), f32x4.mul(a2, b2));
}
