/** Which records belong to which tile, and in which order. */
import {
  across,
  atBox,
  atDepth,
  atH,
  atK,
  atLogOpacity,
  atSlope,
  atU,
  atV,
  bottomOf,
  buckets,
  chunkBytes,
  chunkHead,
  counts,
  digitBits,
  entries,
  firstChunk,
  heads,
  lastChunk,
  leftOf,
  log2Of255,
  recordBytes,
  rightOf,
  rowSpans,
  spare,
  tails,
  tileLog,
  tileSize,
  topOf,
} from "./memory";

/** The tiles that are drawn now. */
export let firstTileColumn: i32 = 0;
export let lastTileColumn: i32 = 0;
export let firstTileRow: i32 = 0;
export let lastTileRow: i32 = 0;
/** Chunks from here on are free. */
let freeChunk: usize = 0;
/** Whether records had no room, and were lost. */
export let isFull: bool = false;

/** Begins with empty tiles, of which those of a rectangle are drawn. */
export function clearTiles(left: i32, right: i32, top: i32, bottom: i32): void {
  firstTileColumn = left;
  lastTileColumn = right;
  firstTileRow = top;
  lastTileRow = bottom;
  freeChunk = firstChunk;
  isFull = false;
  memory.fill(tails, 0, <usize>(across * across) << 2);
}

/** Appends a record; `tile` is the only one that it may touch, or below 0. */
// @ts-ignore: decorator
@inline
export function append(first: v128, second: v128, colour: v128, depth: i32, tile: i32): void {
  const third = i32x4.replace_lane(colour, 3, depth);
  if (tile >= 0) {
    appendTo(tile, first, second, third);
  } else {
    v128.store(rowSpans, first);
    v128.store(rowSpans, second, 16);
    v128.store(rowSpans, third, 32);
    appendToEach(rowSpans);
  }
}

// @ts-ignore: decorator
@inline
function appendTo(tile: i32, first: v128, second: v128, third: v128): void {
  const tail = tails + ((<usize>tile) << 2);
  let at: usize = load<u32>(tail);
  if ((at & (chunkBytes - 1)) == 0) at = addChunk(tile, at);
  v128.store(at, first);
  v128.store(at, second, 16);
  v128.store(at, third, 32);
  store<u32>(tail, <u32>(at + recordBytes));
}

/** Where the next record of a tile goes, whose last chunk ends at `end`; 0 when it has none yet. */
function addChunk(tile: i32, end: usize): usize {
  const chunk = freeChunk;
  if (chunk == lastChunk) isFull = true;
  else freeChunk += chunkBytes;
  if (end == 0) store<u32>(heads + ((<usize>tile) << 2), <u32>chunk);
  else store<u32>(end - chunkBytes, <u32>chunk);
  return chunk + chunkHead;
}

function appendToEach(record: usize): void {
  const first = v128.load(record);
  const second = v128.load(record, 16);
  const third = v128.load(record, 32);
  const box = load<u64>(record, atBox);
  const left = max(leftOf(box) >> tileLog, firstTileColumn);
  const right = min(rightOf(box) >> tileLog, lastTileColumn);
  const bottom = min(bottomOf(box) >> tileLog, lastTileRow);
  for (let row = max(topOf(box) >> tileLog, firstTileRow); row <= bottom; row++) {
    findColumns(record, row, left, right);
    for (let column = firstColumn; column <= lastColumn; column++) {
      appendTo(row * across + column, first, second, third);
    }
  }
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
  const box = load<u64>(record, atBox);
  const u = load<f32>(record, atU) + <f32>leftOf(box);
  const width = <f32>1 / sqrt(k);
  const room = load<f32>(record, atLogOpacity) + log2Of255;
  const height = sqrt(room / h);
  const top = <f32>((row << tileLog) - topOf(box)) - load<f32>(record, atV);
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

/** Step 4 for one tile: entries of depth and record in the order that they are blended in; returns how many. */
export function sortRecords(tile: i32): i32 {
  const tail: usize = load<u32>(tails + ((<usize>tile) << 2));
  if (tail == 0) return 0;
  let least: u32 = u32.MAX_VALUE;
  let most: u32 = 0;
  let to = entries;
  let chunk: usize = load<u32>(heads + ((<usize>tile) << 2));
  for (;;) {
    const isLast = tail - chunk <= chunkBytes;
    const end = isLast ? tail : chunk + chunkBytes;
    for (let record = chunk + chunkHead; record < end; record += recordBytes) {
      const depth = load<u32>(record, atDepth);
      least = min(least, depth);
      most = max(most, depth);
      // Chunks of a tile lie one behind the other, so that equal depths stay in the order of the input.
      store<u64>(to, ((<u64>depth) << 32) | (<u64>record));
      to += 8;
    }
    if (isLast) break;
    chunk = load<u32>(chunk);
  }
  const n = <i32>((to - entries) >> 3);
  sorted = entries;
  if (n < 24) sortFew(n);
  else sortMany(n, least, 32 - clz(most - least));
  return n;
}

/** Where the entries are afterwards. */
export let sorted: usize = 0;

function sortFew(n: i32): void {
  for (let i: i32 = 1; i < n; i++) {
    const entry = load<u64>(entries + ((<usize>i) << 3));
    let at = entries + ((<usize>i) << 3);
    while (at > entries && load<u64>(at - 8) > entry) {
      store<u64>(at, load<u64>(at - 8));
      at -= 8;
    }
    store<u64>(at, entry);
  }
}

/** By digits of 8 bits, of which depths that lie together have fewer. */
function sortMany(n: i32, least: u32, bits: i32): void {
  const passes = (bits + digitBits - 1) / digitBits;
  memory.fill(counts, 0, 4 * buckets * 4);
  for (let i: i32 = 0; i < n; i++) {
    const key = load<u32>(entries + ((<usize>i) << 3), 4) - least;
    count(0, key & 255);
    count(1, (key >> 8) & 255);
    count(2, (key >> 16) & 255);
    if (passes == 4) count(3, key >> 24);
  }
  let from = entries;
  let to = spare;
  for (let pass: i32 = 0; pass < passes; pass++) {
    const base = counts + ((<usize>pass) << (digitBits + 2));
    let sum: i32 = 0;
    for (let bucket: usize = 0; bucket < (<usize>buckets) << 2; bucket += 4) {
      const held = load<i32>(base + bucket);
      store<i32>(base + bucket, sum);
      sum += held;
    }
    const shift = pass * digitBits;
    for (let i: i32 = 0; i < n; i++) {
      const entry = load<u64>(from + ((<usize>i) << 3));
      const digit = ((<u32>(entry >> 32) - least) >> shift) & (buckets - 1);
      const at = base + ((<usize>digit) << 2);
      const place = load<i32>(at);
      store<i32>(at, place + 1);
      store<u64>(to + ((<usize>place) << 3), entry);
    }
    const other = from;
    from = to;
    to = other;
  }
  sorted = from;
}

// @ts-ignore: decorator
@inline
function count(pass: usize, digit: u32): void {
  const at = counts + (pass << (digitBits + 2)) + ((<usize>digit) << 2);
  store<i32>(at, load<i32>(at) + 1);
}
