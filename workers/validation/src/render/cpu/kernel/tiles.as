/** Which records belong to which tile, and in which order. */
import {
  across,
  atBox,
  atDepth,
  atH,
  atK,
  atLogOpacity,
  atSlope,
  atSplat,
  atU,
  atV,
  bottomOf,
  chunkBytes,
  chunkEnd,
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
  wideDigitBits,
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
  const end = tails + ((<usize>(across * across)) << 2);
  for (let tail = tails; tail < end; tail += 4) store<u32>(tail, <u32>chunkEnd);
}

/** Appends the record of a splat; `tile` is the only one that it may touch, or below 0. */
// @ts-ignore: decorator
@inline
export function append(
  splat: i32,
  first: v128,
  second: v128,
  colour: v128,
  depth: i32,
  tile: i32,
): void {
  const third = i32x4.replace_lane(colour, 3, depth);
  if (tile >= 0) {
    appendTo(tile, splat, first, second, third);
  } else {
    v128.store(rowSpans, first);
    v128.store(rowSpans, second, 16);
    v128.store(rowSpans, third, 32);
    appendToEach(splat, rowSpans);
  }
}

// @ts-ignore: decorator
@inline
function appendTo(tile: i32, splat: i32, first: v128, second: v128, third: v128): void {
  const tail = tails + ((<usize>tile) << 2);
  let at: usize = load<u32>(tail);
  if ((at & (chunkBytes - 1)) == chunkEnd) at = addChunk(tile, at);
  v128.store(at, first);
  v128.store(at, second, 16);
  v128.store(at, third, 32);
  store<i32>(at, splat, atSplat);
  store<u32>(tail, <u32>(at + recordBytes));
}

/** Where the next record of a tile goes, whose last chunk is full up to `end`, if it has one. */
function addChunk(tile: i32, end: usize): usize {
  const chunk = freeChunk;
  if (chunk == lastChunk) isFull = true;
  else freeChunk += chunkBytes;
  if (end == chunkEnd) store<u32>(heads + ((<usize>tile) << 2), <u32>chunk);
  else store<u32>(end, <u32>chunk);
  return chunk;
}

function appendToEach(splat: i32, record: usize): void {
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
      appendTo(row * across + column, splat, first, second, third);
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

/**
 * Step 4 for one tile: entries of depth and record in the order that they are blended in, those of one depth in the order
 * of the asset; returns how many.
 */
export function sortRecords(tile: i32): i32 {
  const tail: usize = load<u32>(tails + ((<usize>tile) << 2));
  if (tail == chunkEnd) return 0;
  let least: u32 = u32.MAX_VALUE;
  let most: u32 = 0;
  let to = entries;
  let chunk: usize = load<u32>(heads + ((<usize>tile) << 2));
  for (;;) {
    const isLast = tail - chunk <= chunkEnd;
    const end = isLast ? tail : chunk + chunkEnd;
    for (let record = chunk; record < end; record += recordBytes) {
      const depth = load<u32>(record, atDepth);
      least = min(least, depth);
      most = max(most, depth);
      store<u64>(to, ((<u64>depth) << 32) | (<u64>record));
      to += 8;
    }
    if (isLast) break;
    chunk = load<u32>(chunk, chunkEnd);
  }
  const n = <i32>((to - entries) >> 3);
  sorted = sort(entries, n, least, most);
  sortTies(n);
  return n;
}

/** Where the entries are afterwards. */
export let sorted: usize = 0;

/** From so many entries on fewer digits are worth more counters. */
// @ts-ignore: decorator
@inline const manyEntries: i32 = 1024;

/** Sorts `n` entries whose keys, their upper halves, are `least` to `most`; returns where they are then. */
function sort(from: usize, n: i32, least: u32, most: u32): usize {
  if (n >= 24) return sortMany(from, n, least, 32 - clz(most - least));
  sortFew(from, n);
  return from;
}

/** K7: entries of one depth, of which there are few in most assets, come into the order of their splats. */
function sortTies(n: i32): void {
  const end = sorted + ((<usize>n) << 3);
  for (let at = sorted + 8; at < end; at += 8) {
    const depth = load<u32>(at, 4);
    if (load<u32>(at - 8, 4) != depth) continue;
    const from = at - 8;
    while (at < end && load<u32>(at, 4) == depth) at += 8;
    sortBySplat(from, at);
  }
}

/** What of the entries says their depth, which nobody needs any more, says their splat meanwhile. */
function sortBySplat(from: usize, end: usize): void {
  let least: u32 = u32.MAX_VALUE;
  let most: u32 = 0;
  for (let at = from; at < end; at += 8) {
    const splat = load<u32>(load<u32>(at), atSplat);
    least = min(least, splat);
    most = max(most, splat);
    store<u32>(at, splat, 4);
  }
  const n = <i32>((end - from) >> 3);
  const to = sort(from, n, least, most);
  if (to != from) memory.copy(from, to, end - from);
}

function sortFew(from: usize, n: i32): void {
  for (let i: i32 = 1; i < n; i++) {
    let at = from + ((<usize>i) << 3);
    const entry = load<u64>(at);
    while (at > from && load<u64>(at - 8) > entry) {
      store<u64>(at, load<u64>(at - 8));
      at -= 8;
    }
    store<u64>(at, entry);
  }
}

/** By digits, as few and as wide as pays for so many entries; keys that lie together have fewer. */
function sortMany(first: usize, n: i32, least: u32, bits: i32): usize {
  const most = n < manyEntries ? digitBits : wideDigitBits;
  const passes = (bits + most - 1) / most;
  const width = passes == 0 ? 0 : (bits + passes - 1) / passes;
  const mask = (1 << width) - 1;
  const size = <usize>n << 3;
  let from = first;
  // Ties are sorted where they are: the same part of the other area is free.
  let to = first < spare ? spare + (first - entries) : entries + (first - spare);
  for (let pass: i32 = 0; pass < passes; pass++) {
    const shift = pass * width;
    memory.fill(counts, 0, <usize>(mask + 1) << 2);
    for (let at = from + 4; at < from + size; at += 8) {
      const place = counts + (<usize>(((load<u32>(at) - least) >> shift) & mask) << 2);
      store<u32>(place, load<u32>(place) + 8);
    }
    let next = <u32>to;
    for (let place = counts; place <= counts + (<usize>mask << 2); place += 4) {
      const held = load<u32>(place);
      store<u32>(place, next);
      next += held;
    }
    for (let at = from; at < from + size; at += 8) {
      const entry = load<u64>(at);
      const place = counts + (<usize>(((<u32>(entry >> 32) - least) >> shift) & mask) << 2);
      const free = load<u32>(place);
      store<u32>(place, free + 8);
      store<u64>(free, entry);
    }
    const other = from;
    from = to;
    to = other;
  }
  return from;
}
