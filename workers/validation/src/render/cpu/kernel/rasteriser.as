/**
 * The fast rasteriser, in AssemblyScript: `node build.ts` makes rasteriser.wasm of it. The same six steps as
 * ../reference.ts, for which it is measured against, with these means:
 *
 * K1 Nothing is allocated: the caller hands in a scene and a scratch area in memory that all threads share.
 * K2 What a splat needs in the pixel loop lies in one record of 48 bytes; a picture is made tile by tile, four
 *    pixels at a time, and what four pixels need (transmittance, red, green, blue) in 64 bytes: one cache line.
 * K3 A row of a splat is a Gaussian in x alone: σ = k·(x − cx)² + h·dy² with cx = u + slope·dy. So the pixels that it
 *    reaches are known exactly, nothing cancels in single precision, and σ is never negative.
 * K4 Splats are listed for tiles in portions of at most `listCapacity` entries, so that memory has a bound whatever
 *    the asset. With more than one portion the tiles keep their state in between.
 */

/** Splats at this depth or nearer are dropped; in the asset's units. */
const nearPlane: f64 = 0.01;
/** Limit of x/z and y/z in the Jacobian, in units of tan(fov/2). Source: the INRIA and gsplat rasterisers. */
const jacobianLimit: f64 = 1.3;
/** Added to both variances of the projected covariance, in pixels². Source: gsplat. */
const blurVariance: f64 = 0.3;
/** No splat covers a pixel wholly. Source: gsplat. */
const mostAlpha: f32 = 0.999;
/** Contributions below this are not drawn. Source: gsplat. */
const leastAlpha: f32 = 1.0 / 255.0;
const log2Of255: f32 = 7.994353436858858;
/** A pixel whose transmittance would fall to this is finished. Source: gsplat. */
const leastTransmittance: f32 = 1e-4;
const log2E: f64 = 1.4426950408889634;
/** Rows are taken a little wider than computed; each pixel is judged by itself anyway. In pixels. */
const spanMargin: f32 = 1e-3;
/** Brighter than that is as good as infinite, and its product with 0 is 0. */
const mostColour: f32 = 1e9;

// @ts-ignore: decorator
@inline const tileLog: i32 = 5;
// @ts-ignore: decorator
@inline const tileSize: i32 = 1 << tileLog;
/** K2: 16 bytes a pixel. */
// @ts-ignore: decorator
@inline const tileBytes: i32 = tileSize * tileSize * 16;
// @ts-ignore: decorator
@inline const recordBytes: i32 = 48;

// Fields of a record.
// @ts-ignore: decorator
@inline const atU: usize = 0;
// @ts-ignore: decorator
@inline const atV: usize = 4;
// @ts-ignore: decorator
@inline const atK: usize = 8;
// @ts-ignore: decorator
@inline const atSlope: usize = 12;
// @ts-ignore: decorator
@inline const atH: usize = 16;
/** log₂ of the opacity. */
// @ts-ignore: decorator
@inline const atLogOpacity: usize = 20;
/** 1 / √k */
// @ts-ignore: decorator
@inline const atWidth: usize = 24;
// @ts-ignore: decorator
@inline const atRed: usize = 28;
// @ts-ignore: decorator
@inline const atGreen: usize = 32;
// @ts-ignore: decorator
@inline const atBlue: usize = 36;
/** First and last column and row, inclusive; 16 bits each. */
// @ts-ignore: decorator
@inline const atLeft: usize = 40;
// @ts-ignore: decorator
@inline const atRight: usize = 42;
// @ts-ignore: decorator
@inline const atTop: usize = 44;
// @ts-ignore: decorator
@inline const atBottom: usize = 46;

const digitBits: i32 = 11;
const buckets: i32 = 1 << digitBits;

// @ts-ignore: decorator
@inline
function aligned(bytes: usize): usize {
  return (bytes + 63) & ~63;
}

// @ts-ignore: decorator
@inline
function tilesAcross(size: i32): i32 {
  return (size + tileSize - 1) >> tileLog;
}

/** Bytes of the scratch area for scenes of up to `count` splats in pictures of `size` pixels an edge. */
export function scratchBytes(count: i32, size: i32, listCapacity: i32): usize {
  const tiles = tilesAcross(size) * tilesAcross(size);
  return (
    aligned(count * recordBytes) +
    aligned(count * 4) * 3 +
    aligned(3 * buckets * 4) +
    aligned(listCapacity * 4) +
    aligned((tiles + 1) * 4) * 2 +
    aligned(tiles * tileBytes) +
    aligned(size * size * 3)
  );
}

/** Columns of the scene; see `renderView`. */
let positions: usize = 0;
let covariances: usize = 0;
let reaches: usize = 0;
let colours: usize = 0;

let records: usize = 0;
let keys: usize = 0;
let order: usize = 0;
let spare: usize = 0;
let counts: usize = 0;
let lists: usize = 0;
let starts: usize = 0;
let lives: usize = 0;
let states: usize = 0;
let pixels: usize = 0;

/**
 * Renders one view.
 * @param scene columns of `count` splats one after the other: x, y, z; xx, xy, xz, yy, yz, zz; log₂ of the opacity;
 * then four floats for each SH coefficient (red, green, blue, 0), or the colour itself at degree 0
 * @param camera nine rows of the rotation, eye, focal length, principal point, tan(fov/2); float64
 * @returns where the picture is, three bytes a pixel
 */
export function renderView(
  scene: usize,
  count: i32,
  degree: i32,
  camera: usize,
  size: i32,
  red: f32,
  green: f32,
  blue: f32,
  scratch: usize,
  listCapacity: i32,
): usize {
  const column = aligned(count * 4);
  positions = scene;
  covariances = scene + column * 3;
  reaches = scene + column * 9;
  colours = scene + column * 10;

  const across = tilesAcross(size);
  const tiles = across * across;
  records = scratch;
  keys = records + aligned(count * recordBytes);
  order = keys + aligned(count * 4);
  spare = order + aligned(count * 4);
  counts = spare + aligned(count * 4);
  lists = counts + aligned(3 * buckets * 4);
  starts = lists + aligned(listCapacity * 4);
  lives = starts + aligned((tiles + 1) * 4);
  states = lives + aligned((tiles + 1) * 4);
  pixels = states + aligned(tiles * tileBytes);

  memory.fill(counts, 0, 3 * buckets * 4);
  const visible = project(count, column, degree, camera, size);
  sortByDepth(visible);
  blend(visible, size, across, listCapacity, red, green, blue);
  return pixels;
}

/** Steps 1 to 3: writes the records of the splats that touch the picture, in input order; returns their number. */
function project(count: i32, column: usize, degree: i32, camera: usize, size: i32): i32 {
  const r00 = load<f64>(camera, 0);
  const r01 = load<f64>(camera, 8);
  const r02 = load<f64>(camera, 16);
  const r10 = load<f64>(camera, 24);
  const r11 = load<f64>(camera, 32);
  const r12 = load<f64>(camera, 40);
  const r20 = load<f64>(camera, 48);
  const r21 = load<f64>(camera, 56);
  const r22 = load<f64>(camera, 64);
  const eyeX = load<f64>(camera, 72);
  const eyeY = load<f64>(camera, 80);
  const eyeZ = load<f64>(camera, 88);
  const focal = load<f64>(camera, 96);
  const centre = load<f64>(camera, 104);
  const limit = jacobianLimit * load<f64>(camera, 112);
  const last = <f64>(size - 1);
  const colourBytes: usize = degree == 0 ? 16 : (degree + 1) * (degree + 1) * 16;

  let visible: i32 = 0;
  for (let i: i32 = 0; i < count; i++) {
    const at: usize = (<usize>i) << 2;
    const px = <f64>load<f32>(positions + at) - eyeX;
    const py = <f64>load<f32>(positions + column + at) - eyeY;
    const pz = <f64>load<f32>(positions + column * 2 + at) - eyeZ;
    const z = r20 * px + r21 * py + r22 * pz;
    if (!(z > nearPlane)) continue;
    const x = r00 * px + r01 * py + r02 * pz;
    const y = r10 * px + r11 * py + r12 * pz;
    const inverseZ = 1.0 / z;
    const u = focal * x * inverseZ + centre - 0.5;
    const v = focal * y * inverseZ + centre - 0.5;

    // Rows of J·W.
    const j = focal * inverseZ;
    const jx = -j * min(limit, max(-limit, x * inverseZ));
    const jy = -j * min(limit, max(-limit, y * inverseZ));
    const ax = j * r00 + jx * r20;
    const ay = j * r01 + jx * r21;
    const az = j * r02 + jx * r22;
    const bx = j * r10 + jy * r20;
    const by = j * r11 + jy * r21;
    const bz = j * r12 + jy * r22;
    const covariance = covariances + at;
    const xx = <f64>load<f32>(covariance);
    const xy = <f64>load<f32>(covariance + column);
    const xz = <f64>load<f32>(covariance + column * 2);
    const yy = <f64>load<f32>(covariance + column * 3);
    const yz = <f64>load<f32>(covariance + column * 4);
    const zz = <f64>load<f32>(covariance + column * 5);
    const sx = xx * ax + xy * ay + xz * az;
    const sy = xy * ax + yy * ay + yz * az;
    const sz = xz * ax + yz * ay + zz * az;
    const varianceX = ax * sx + ay * sy + az * sz + blurVariance;
    const covarianceXY = bx * sx + by * sy + bz * sz;
    const varianceY =
      bx * (xx * bx + xy * by + xz * bz) +
      by * (xy * bx + yy * by + yz * bz) +
      bz * (xz * bx + yz * by + zz * bz) +
      blurVariance;
    const determinant = varianceX * varianceY - covarianceXY * covarianceXY;
    if (!(determinant > 0) || determinant == f64.POSITIVE_INFINITY) continue;

    const logOpacity = load<f32>(reaches + at);
    // σ at which α falls to 1/255, times two: in squared standard deviations.
    const reach = (2.0 / log2E) * <f64>(logOpacity + log2Of255);
    const reachX = sqrt(reach * varianceX);
    const reachY = sqrt(reach * varianceY);
    const left = max(0.0, ceil(u - reachX));
    const right = min(last, floor(u + reachX));
    const top = max(0.0, ceil(v - reachY));
    const bottom = min(last, floor(v + reachY));
    if (!(left <= right && top <= bottom)) continue;

    const record = records + visible * recordBytes;
    const k = (0.5 * log2E * varianceY) / determinant;
    store<f32>(record, <f32>u, atU);
    store<f32>(record, <f32>v, atV);
    store<f32>(record, <f32>k, atK);
    store<f32>(record, <f32>(covarianceXY / varianceY), atSlope);
    store<f32>(record, <f32>((0.5 * log2E) / varianceY), atH);
    store<f32>(record, logOpacity, atLogOpacity);
    store<f32>(record, <f32>(1.0 / sqrt(k)), atWidth);
    const colour = colours + <usize>i * colourBytes;
    if (degree == 0) {
      store<f32>(record, load<f32>(colour, 0), atRed);
      store<f32>(record, load<f32>(colour, 4), atGreen);
      store<f32>(record, load<f32>(colour, 8), atBlue);
    } else {
      const inverse = 1.0 / sqrt(px * px + py * py + pz * pz);
      const c = shColour(colour, degree, <f32>(px * inverse), <f32>(py * inverse), <f32>(pz * inverse));
      store<f32>(record, f32x4.extract_lane(c, 0), atRed);
      store<f32>(record, f32x4.extract_lane(c, 1), atGreen);
      store<f32>(record, f32x4.extract_lane(c, 2), atBlue);
    }
    store<u16>(record, <u16>left, atLeft);
    store<u16>(record, <u16>right, atRight);
    store<u16>(record, <u16>top, atTop);
    store<u16>(record, <u16>bottom, atBottom);

    // The bits of a positive float32, read as an integer, are in its order.
    const key = reinterpret<u32>(<f32>z);
    store<u32>(keys + ((<usize>visible) << 2), key);
    count1(key & (buckets - 1));
    count1(buckets + ((key >> digitBits) & (buckets - 1)));
    count1(2 * buckets + (key >> (2 * digitBits)));
    visible++;
  }
  return visible;
}

// @ts-ignore: decorator
@inline
function count1(bucket: u32): void {
  const at = counts + ((<usize>bucket) << 2);
  store<u32>(at, load<u32>(at) + 1);
}

// @ts-ignore: decorator
@inline
function term(colour: usize, k: i32, basis: f32): v128 {
  return f32x4.mul(v128.load(colour + (<usize>k << 4)), f32x4.splat(basis));
}

/** Colour from a direction; constants and signs as in ../spherical-harmonics.ts. */
function shColour(colour: usize, degree: i32, x: f32, y: f32, z: f32): v128 {
  const c1: f32 = 0.4886025119029199;
  let sum = f32x4.add(f32x4.splat(0.5), term(colour, 0, 0.28209479177387814));
  sum = f32x4.add(sum, term(colour, 1, -c1 * y));
  sum = f32x4.add(sum, term(colour, 2, c1 * z));
  sum = f32x4.add(sum, term(colour, 3, -c1 * x));
  if (degree > 1) {
    const xx = x * x;
    const yy = y * y;
    const zz = z * z;
    sum = f32x4.add(sum, term(colour, 4, <f32>1.0925484305920792 * x * y));
    sum = f32x4.add(sum, term(colour, 5, <f32>-1.0925484305920792 * y * z));
    sum = f32x4.add(sum, term(colour, 6, <f32>0.31539156525252005 * (2 * zz - xx - yy)));
    sum = f32x4.add(sum, term(colour, 7, <f32>-1.0925484305920792 * x * z));
    sum = f32x4.add(sum, term(colour, 8, <f32>0.5462742152960396 * (xx - yy)));
    if (degree > 2) {
      sum = f32x4.add(sum, term(colour, 9, <f32>-0.5900435899266435 * y * (3 * xx - yy)));
      sum = f32x4.add(sum, term(colour, 10, <f32>2.890611442640554 * x * y * z));
      sum = f32x4.add(sum, term(colour, 11, <f32>-0.4570457994644658 * y * (4 * zz - xx - yy)));
      sum = f32x4.add(
        sum,
        term(colour, 12, <f32>0.3731763325901154 * z * (2 * zz - 3 * xx - 3 * yy)),
      );
      sum = f32x4.add(sum, term(colour, 13, <f32>-0.4570457994644658 * x * (4 * zz - xx - yy)));
      sum = f32x4.add(sum, term(colour, 14, <f32>1.445305721320277 * z * (xx - yy)));
      sum = f32x4.add(sum, term(colour, 15, <f32>-0.5900435899266435 * x * (xx - 3 * yy)));
    }
  }
  // pmax(a, b) is a where b is NaN.
  return f32x4.pmin(f32x4.splat(mostColour), f32x4.pmax(f32x4.splat(0), sum));
}

/** Step 4: indices of the records by depth in `order`, equal depths in input order. Three passes of 11 bits. */
function sortByDepth(visible: i32): void {
  let from = spare;
  let to = order;
  for (let pass: i32 = 0; pass < 3; pass++) {
    const base = counts + pass * buckets * 4;
    let sum: u32 = 0;
    for (let bucket: i32 = 0; bucket < buckets; bucket++) {
      const at = base + bucket * 4;
      const n = load<u32>(at);
      store<u32>(at, sum);
      sum += n;
    }
    const shift = pass * digitBits;
    for (let n: i32 = 0; n < visible; n++) {
      const i: u32 = pass == 0 ? n : load<u32>(from + ((<usize>n) << 2));
      const key = load<u32>(keys + ((<usize>i) << 2));
      const at = base + (<usize>((key >> shift) & (buckets - 1)) << 2);
      const place = load<u32>(at);
      store<u32>(at, place + 1);
      store<u32>(to + ((<usize>place) << 2), i);
    }
    const other = from;
    from = to;
    to = other;
  }
}

/** Steps 5 and 6, in portions (K4). */
function blend(
  visible: i32,
  size: i32,
  across: i32,
  listCapacity: i32,
  red: f32,
  green: f32,
  blue: f32,
): void {
  const tiles = across * across;
  for (let tile: i32 = 0; tile < tiles; tile++) store<i32>(lives + ((<usize>tile) << 2), -1);
  let first: i32 = 0;
  let isFirst = true;
  do {
    const end = listTiles(first, visible, across, listCapacity);
    const isLast = end == visible;
    const isWhole = isFirst && isLast;
    for (let tile: i32 = 0; tile < tiles; tile++) {
      const left = (tile % across) << tileLog;
      const top = (tile / across) << tileLog;
      const state = states + (isWhole ? 0 : tile * tileBytes);
      const liveAt = lives + ((<usize>tile) << 2);
      const columns = min(tileSize, size - left);
      const rows = min(tileSize, size - top);
      const from = tile == 0 ? 0 : load<i32>(starts + ((<usize>(tile - 1)) << 2));
      // After filling, a tile's start has moved to its end.
      const to = load<i32>(starts + ((<usize>tile) << 2));
      let live = load<i32>(liveAt);
      if (live < 0 && (to > from || isLast)) {
        live = clearTile(state, columns, rows);
        store<i32>(liveAt, live);
      }
      if (to > from) {
        store<i32>(liveAt, blendTile(from, to, left, top, columns, rows, state, live));
      }
      if (isLast) writeTile(state, left, top, columns, rows, size, red, green, blue);
    }
    first = end;
    isFirst = false;
  } while (first < visible);
}

/**
 * Lists the splats from `first` on for the tiles that they touch, as many as fit, nearest first; tiles that are
 * finished are left out. Returns the first one that was not listed.
 */
function listTiles(first: i32, visible: i32, across: i32, listCapacity: i32): i32 {
  const tiles = across * across;
  memory.fill(starts, 0, (tiles + 1) * 4);
  let total: i32 = 0;
  let end = first;
  for (; end < visible; end++) {
    const record = records + load<u32>(order + ((<usize>end) << 2)) * recordBytes;
    const left = (<i32>load<u16>(record, atLeft)) >> tileLog;
    const right = (<i32>load<u16>(record, atRight)) >> tileLog;
    const top = (<i32>load<u16>(record, atTop)) >> tileLog;
    const bottom = (<i32>load<u16>(record, atBottom)) >> tileLog;
    const most = (right - left + 1) * (bottom - top + 1);
    // One splat always fits: the capacity is at least the number of tiles.
    if (total + most > listCapacity) break;
    for (let row = top; row <= bottom; row++) {
      for (let tile = row * across + left; tile <= row * across + right; tile++) {
        if (load<i32>(lives + ((<usize>tile) << 2)) == 0) continue;
        const at = starts + ((<usize>tile) << 2);
        store<i32>(at, load<i32>(at) + 1);
        total++;
      }
    }
  }
  let sum: i32 = 0;
  for (let tile: i32 = 0; tile < tiles; tile++) {
    const at = starts + ((<usize>tile) << 2);
    const n = load<i32>(at);
    store<i32>(at, sum);
    sum += n;
  }
  for (let n = first; n < end; n++) {
    const i = load<u32>(order + ((<usize>n) << 2));
    const record = records + i * recordBytes;
    const left = (<i32>load<u16>(record, atLeft)) >> tileLog;
    const right = (<i32>load<u16>(record, atRight)) >> tileLog;
    const bottom = (<i32>load<u16>(record, atBottom)) >> tileLog;
    for (let row = (<i32>load<u16>(record, atTop)) >> tileLog; row <= bottom; row++) {
      for (let tile = row * across + left; tile <= row * across + right; tile++) {
        if (load<i32>(lives + ((<usize>tile) << 2)) == 0) continue;
        const at = starts + ((<usize>tile) << 2);
        const place = load<i32>(at);
        store<i32>(at, place + 1);
        store<u32>(lists + ((<usize>place) << 2), i);
      }
    }
  }
  return end;
}

/** Nothing drawn yet; pixels outside the picture are finished from the start. Returns the number of live blocks. */
function clearTile(state: usize, columns: i32, rows: i32): i32 {
  const zero = f32x4.splat(0);
  const iota = f32x4(0, 1, 2, 3);
  let live: i32 = 0;
  for (let y: i32 = 0; y < tileSize; y++) {
    for (let x: i32 = 0; x < tileSize; x += 4) {
      const at = state + ((y * tileSize + x) << 4);
      const inside =
        y < rows
          ? f32x4.lt(f32x4.add(iota, f32x4.splat(<f32>x)), f32x4.splat(<f32>columns))
          : zero;
      v128.store(at, v128.and(inside, f32x4.splat(1)));
      v128.store(at + 16, zero);
      v128.store(at + 32, zero);
      v128.store(at + 48, zero);
      live += i32(v128.any_true(inside));
    }
  }
  return live;
}

/** Blends splats front to back into a tile; a finished pixel has transmittance −T. Returns the live blocks left. */
function blendTile(
  from: i32,
  to: i32,
  left: i32,
  top: i32,
  columns: i32,
  rows: i32,
  state: usize,
  live: i32,
): i32 {
  const lastColumn = <f32>(columns - 1);
  const lastRow = rows - 1;
  const iota = f32x4(0, 1, 2, 3);
  const zero = f32x4.splat(0);
  const four = f32x4.splat(4);
  const most = f32x4.splat(mostAlpha);
  const least = f32x4.splat(leastAlpha);
  const leastT = f32x4.splat(leastTransmittance);
  const sign = i32x4.splat(0x80000000);
  // 2^f for f in ±½ by a polynomial, relative error below 8e-8; coefficients by Remez exchange.
  const magic = f32x4.splat(12582912.0); // 1.5 × 2^23: adding it rounds to a whole number
  const p0 = f32x4.splat(1.0000000716546822);
  const p1 = f32x4.splat(0.6931469670647331);
  const p2 = f32x4.splat(0.24022119723848478);
  const p3 = f32x4.splat(0.05550713273542586);
  const p4 = f32x4.splat(0.00967554133421605);
  const p5 = f32x4.splat(0.0013276471979478776);

  for (let n = from; n < to; n++) {
    const record = records + load<u32>(lists + ((<usize>n) << 2)) * recordBytes;
    const u = load<f32>(record, atU) - <f32>left;
    const v = load<f32>(record, atV) - <f32>top;
    const slope = load<f32>(record, atSlope);
    const h = load<f32>(record, atH);
    const width = load<f32>(record, atWidth);
    const logOpacity = load<f32>(record, atLogOpacity);
    const k = v128.load32_splat(record, atK);
    const red = v128.load32_splat(record, atRed);
    const green = v128.load32_splat(record, atGreen);
    const blue = v128.load32_splat(record, atBlue);
    let y = max(0, <i32>load<u16>(record, atTop) - top);
    const bottom = min(lastRow, <i32>load<u16>(record, atBottom) - top);
    for (; y <= bottom; y++) {
      const dy = <f32>y - v;
      const base = logOpacity - h * dy * dy;
      const room = base + log2Of255;
      if (room < 0) continue;
      const cx = u + slope * dy;
      const reach = sqrt(room) * width + spanMargin;
      const start = max(<f32>0, ceil(cx - reach));
      const end = min(lastColumn, cx + reach);
      if (!(start <= end)) continue;
      let x = <i32>start & ~3;
      const stop = <i32>end;
      let t = f32x4.add(f32x4.splat(<f32>x - cx), iota);
      const bases = f32x4.splat(base);
      let at = state + (((y << tileLog) + x) << 4);
      for (; x <= stop; x += 4, at += 64, t = f32x4.add(t, four)) {
        const T = v128.load(at);
        const alive = f32x4.gt(T, zero);
        if (!v128.any_true(alive)) continue;
        const power = f32x4.sub(bases, f32x4.mul(k, f32x4.mul(t, t)));
        const shifted = f32x4.add(power, magic);
        const f = f32x4.sub(power, f32x4.sub(shifted, magic));
        let exp = f32x4.add(f32x4.mul(p5, f), p4);
        exp = f32x4.add(f32x4.mul(exp, f), p3);
        exp = f32x4.add(f32x4.mul(exp, f), p2);
        exp = f32x4.add(f32x4.mul(exp, f), p1);
        exp = f32x4.add(f32x4.mul(exp, f), p0);
        exp = i32x4.add(exp, i32x4.shl(shifted, 23));
        const alpha = f32x4.pmin(most, exp);
        const drawn = v128.and(f32x4.ge(alpha, least), alive);
        const weight = f32x4.mul(alpha, T);
        const next = f32x4.sub(T, weight);
        const isOpen = f32x4.gt(next, leastT);
        const added = v128.and(weight, v128.and(drawn, isOpen));
        const finished = v128.andnot(drawn, isOpen);
        v128.store(at, v128.or(f32x4.sub(T, added), v128.and(finished, sign)));
        v128.store(at + 16, f32x4.add(v128.load(at + 16), f32x4.mul(added, red)));
        v128.store(at + 32, f32x4.add(v128.load(at + 32), f32x4.mul(added, green)));
        v128.store(at + 48, f32x4.add(v128.load(at + 48), f32x4.mul(added, blue)));
        if (v128.any_true(finished) && !v128.any_true(f32x4.gt(v128.load(at), zero))) {
          live--;
          if (live == 0) return 0;
        }
      }
    }
  }
  return live;
}

/** Step 6: background, clamp, floor(255·v). */
function writeTile(
  state: usize,
  left: i32,
  top: i32,
  columns: i32,
  rows: i32,
  size: i32,
  red: f32,
  green: f32,
  blue: f32,
): void {
  for (let y: i32 = 0; y < rows; y++) {
    let to = pixels + ((top + y) * size + left) * 3;
    for (let x: i32 = 0; x < columns; x += 4) {
      const at = state + (((y << tileLog) + x) << 4);
      const T = f32x4.abs(v128.load(at));
      const r = quantised(v128.load(at + 16), T, red);
      const g = quantised(v128.load(at + 32), T, green);
      const b = quantised(v128.load(at + 48), T, blue);
      store<u8>(to, i32x4.extract_lane(r, 0), 0);
      store<u8>(to, i32x4.extract_lane(g, 0), 1);
      store<u8>(to, i32x4.extract_lane(b, 0), 2);
      if (x + 1 < columns) {
        store<u8>(to, i32x4.extract_lane(r, 1), 3);
        store<u8>(to, i32x4.extract_lane(g, 1), 4);
        store<u8>(to, i32x4.extract_lane(b, 1), 5);
      }
      if (x + 2 < columns) {
        store<u8>(to, i32x4.extract_lane(r, 2), 6);
        store<u8>(to, i32x4.extract_lane(g, 2), 7);
        store<u8>(to, i32x4.extract_lane(b, 2), 8);
      }
      if (x + 3 < columns) {
        store<u8>(to, i32x4.extract_lane(r, 3), 9);
        store<u8>(to, i32x4.extract_lane(g, 3), 10);
        store<u8>(to, i32x4.extract_lane(b, 3), 11);
      }
      to += 12;
    }
  }
}

// @ts-ignore: decorator
@inline
function quantised(colour: v128, transmittance: v128, background: f32): v128 {
  const value = f32x4.add(colour, f32x4.mul(transmittance, f32x4.splat(background)));
  const clamped = f32x4.pmin(f32x4.splat(1), f32x4.pmax(f32x4.splat(0), value));
  return i32x4.trunc_sat_f32x4_s(f32x4.mul(clamped, f32x4.splat(255)));
}
