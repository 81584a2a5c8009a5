/**
 * The fast rasteriser, in AssemblyScript: `node src/kernels/build.ts` makes rasteriser.wasm of it. The same six steps as
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
@inline const tileBytes: i32 = tileSize * tileSize * 16 + 64;
/** Behind the pixels of a tile: for each row a byte with a bit for each block that is not finished. */
// @ts-ignore: decorator
@inline const atLives: usize = tileSize * tileSize * 16;
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

/**
 * Constants of the pixel loop, which reads them from memory: as literals the engine makes each anew in every
 * round, three instructions for one.
 */
// @ts-ignore: decorator
@inline const constantBytes: usize = 64;
/** What `writeRows` finds out about a row: α of its first block, then the three fields below. */
// @ts-ignore: decorator
@inline const rowLog: usize = 5;
// @ts-ignore: decorator
@inline const rowBytes: usize = (<usize>tileSize + 4) << rowLog;
/** Ratio of α from one block to the next, at the first pixel of the first block. */
// @ts-ignore: decorator
@inline const atRatio: usize = 16;
/** First and last column; the last lies before the first where nothing is drawn. */
// @ts-ignore: decorator
@inline const atFirst: usize = 20;
// @ts-ignore: decorator
@inline const atLast: usize = 24;

function writeConstants(): void {
  // 2^f for f in ±½ by a polynomial, relative error below 8e-8; coefficients by Remez exchange.
  store<f32>(constants, 1.0000000716546822, 0);
  store<f32>(constants, 0.6931469670647331, 4);
  store<f32>(constants, 0.24022119723848478, 8);
  store<f32>(constants, 0.05550713273542586, 12);
  store<f32>(constants, 0.00967554133421605, 16);
  store<f32>(constants, 0.0013276471979478776, 20);
  store<f32>(constants, 12582912.0, 24); // 1.5 × 2^23: adding it rounds to a whole number
  store<f32>(constants, mostAlpha, 28);
  store<f32>(constants, leastAlpha, 32);
  store<f32>(constants, leastTransmittance, 36);
  store<u32>(constants, 0x80000000, 40);
}

// @ts-ignore: decorator
@inline
function constant(at: usize): v128 {
  return v128.load32_splat(constants + at);
}

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
    constantBytes +
    rowBytes +
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

let constants: usize = 0;
let rowSpans: usize = 0;
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
  constants = scratch;
  rowSpans = constants + constantBytes;
  records = rowSpans + rowBytes;
  keys = records + aligned(count * recordBytes);
  order = keys + aligned(count * 4);
  spare = order + aligned(count * 4);
  counts = spare + aligned(count * 4);
  lists = counts + aligned(3 * buckets * 4);
  starts = lists + aligned(listCapacity * 4);
  lives = starts + aligned((tiles + 1) * 4);
  states = lives + aligned((tiles + 1) * 4);
  pixels = states + aligned(tiles * tileBytes);

  writeConstants();
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
      findColumns(record, row, left, right);
      for (let tile = row * across + firstColumn; tile <= row * across + lastColumn; tile++) {
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
      findColumns(record, row, left, right);
      for (let tile = row * across + firstColumn; tile <= row * across + lastColumn; tile++) {
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

/** What `findColumns` found. */
let firstColumn: i32 = 0;
let lastColumn: i32 = 0;

/**
 * The tiles of one row of tiles that a splat can touch, among those from `left` to `right`: far fewer for long thin
 * ones that lie across. By K3 the right edge, cx + √(room / k), bulges most at one height and falls off on both sides.
 */
// @ts-ignore: decorator
@inline
function findColumns(record: usize, row: i32, left: i32, right: i32): void {
  firstColumn = left;
  lastColumn = right;
  // Small ones are as quickly drawn as measured.
  if (right - left < 3) return;
  const slope = load<f32>(record, atSlope);
  const h = load<f32>(record, atH);
  const k = load<f32>(record, atK);
  const u = load<f32>(record, atU);
  const width = load<f32>(record, atWidth);
  const room = load<f32>(record, atLogOpacity) + log2Of255;
  const height = sqrt(room / h);
  const top = <f32>(row << tileLog) - load<f32>(record, atV);
  const from = max(top, -height);
  const to = max(from, min(top + <f32>(tileSize - 1), height));
  const bulge = slope * sqrt((k * room) / (h * (h + slope * slope * k)));
  const atRightEdge = max(from, min(to, bulge));
  const atLeftEdge = max(from, min(to, -bulge));
  // Single precision loses some of a root near 0.
  const margin = 0.05 + <f32>0.002 * width;
  const rightEdge =
    u +
    slope * atRightEdge +
    sqrt(max(<f32>0, room - h * atRightEdge * atRightEdge)) * width +
    margin;
  const leftEdge =
    u +
    slope * atLeftEdge -
    sqrt(max(<f32>0, room - h * atLeftEdge * atLeftEdge)) * width -
    margin;
  // Not a number: keep all of them.
  if (leftEdge > <f32>(left << tileLog)) {
    firstColumn = min(right + 1, <i32>min(leftEdge, <f32>1e6) >> tileLog);
  }
  if (rightEdge < <f32>(right << tileLog)) {
    lastColumn = max(left - 1, <i32>floor(max(rightEdge, <f32>-1e6)) >> tileLog);
  }
}

/** Nothing drawn yet; pixels outside the picture are finished from the start. Returns the number of live blocks. */
function clearTile(state: usize, columns: i32, rows: i32): i32 {
  const zero = f32x4.splat(0);
  const iota = f32x4(0, 1, 2, 3);
  let live: i32 = 0;
  for (let y: i32 = 0; y < tileSize; y++) {
    let bits: i32 = 0;
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
      bits |= i32(v128.any_true(inside)) << (x >> 2);
    }
    store<u8>(state + y, <u8>bits, atLives);
    live += popcnt(bits);
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
  const lastColumn = i32x4.splat(columns - 1);
  const lastRow = rows - 1;
  const zero = f32x4.splat(0);
  const most = constant(28);
  const least = constant(32);
  const leastT = constant(36);
  const sign = constant(40);

  for (let n = from; n < to; n++) {
    const record = records + load<u32>(lists + ((<usize>n) << 2)) * recordBytes;
    const first = max(0, <i32>load<u16>(record, atTop) - top);
    const bottom = min(lastRow, <i32>load<u16>(record, atBottom) - top);
    const k = v128.load32_splat(record, atK);
    // 2^(−k·8j), j = 0..3: how the ratio changes along a block.
    const along = exp2(f32x4.mul(k, f32x4(0, -8, -16, -24)));
    const across = f32x4.splat(f32x4.extract_lane(along, 2));
    writeRows(record, left, top, first, bottom, lastColumn, k, across);
    const ratioStep = f32x4.mul(across, across);
    const red = v128.load32_splat(record, atRed);
    const green = v128.load32_splat(record, atGreen);
    const blue = v128.load32_splat(record, atBlue);
    for (let y = first; y <= bottom; y++) {
      const row = rowSpans + ((<usize>y) << rowLog);
      const start = load<i32>(row, atFirst);
      const end = load<i32>(row, atLast);
      if (end < start) continue;
      let block = start >> 2;
      const lastBlock = end >> 2;
      const bits = <i32>load<u8>(state + y, atLives);
      if ((bits & ((2 << lastBlock) - (1 << block))) == 0) continue;
      let alphas = v128.load(row);
      let ratio = f32x4.mul(v128.load32_splat(row, atRatio), along);
      let at = state + (((y << (tileLog - 2)) + block) << 6);
      for (;;) {
        if ((bits >> block) & 1) {
          const T = v128.load(at);
          const alpha = f32x4.pmin(most, alphas);
          const drawn = v128.and(f32x4.ge(alpha, least), f32x4.gt(T, zero));
          const weight = f32x4.mul(alpha, T);
          const next = f32x4.sub(T, weight);
          const isOpen = f32x4.gt(next, leastT);
          const added = v128.and(weight, v128.and(drawn, isOpen));
          const finished = v128.andnot(drawn, isOpen);
          const rest = f32x4.sub(T, added);
          v128.store(at, rest);
          v128.store(at + 16, f32x4.add(v128.load(at + 16), f32x4.mul(added, red)));
          v128.store(at + 32, f32x4.add(v128.load(at + 32), f32x4.mul(added, green)));
          v128.store(at + 48, f32x4.add(v128.load(at + 48), f32x4.mul(added, blue)));
          if (i32x4.bitmask(finished) != 0) {
            const left = v128.or(rest, v128.and(finished, sign));
            v128.store(at, left);
            if (i32x4.bitmask(left) == 15) {
              store<u8>(state + y, <u8>(<i32>load<u8>(state + y, atLives) & ~(1 << block)), atLives);
              live--;
              if (live == 0) return 0;
            }
          }
        }
        if (block == lastBlock) break;
        block++;
        at += 64;
        alphas = f32x4.mul(alphas, ratio);
        ratio = f32x4.mul(ratio, ratioStep);
      }
    }
  }
  return live;
}

/** 2^x for x from −126 to 127. */
// @ts-ignore: decorator
@inline
function exp2(x: v128): v128 {
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

/**
 * K3 for rows `first` to `bottom`, four at a time. With t₀ the distance of a row's first pixel from cx,
 * α of pixel j is 2^(base − k·t₀²) · (2^(−2k·t₀))^j · 2^(−k·j²): two powers for four rows, and products.
 */
// @ts-ignore: decorator
@inline
function writeRows(
  record: usize,
  left: i32,
  top: i32,
  first: i32,
  bottom: i32,
  lastColumn: v128,
  k: v128,
  across: v128,
): void {
  const u = f32x4.splat(load<f32>(record, atU) - <f32>left);
  const v = load<f32>(record, atV) - <f32>top;
  const slope = v128.load32_splat(record, atSlope);
  const h = v128.load32_splat(record, atH);
  const width = v128.load32_splat(record, atWidth);
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
    const ratio = f32x4.mul(f32x4.mul(bb, bb), across);
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
