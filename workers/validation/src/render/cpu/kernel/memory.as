/** What the parts of the rasteriser share: records, tiles and the scratch area. See rasteriser.as for K1 to K4. */
import { leastAlpha, leastTransmittance, mostAlpha } from "./constants";

/** log₂ of 255: how far an opacity of 1 lies above what is drawn. */
// @ts-ignore: decorator
@inline export const log2Of255: f32 = 7.994353436858858;
// @ts-ignore: decorator
@inline export const log2E: f64 = 1.4426950408889634;
/** Boxes and rows are taken a little wider than computed; each pixel is judged by itself anyway. In pixels. */
// @ts-ignore: decorator
@inline export const spanMargin: f32 = 1e-3;

// @ts-ignore: decorator
@inline export const tileLog: i32 = 5;
// @ts-ignore: decorator
@inline export const tileSize: i32 = 1 << tileLog;
/** K2: a row of a tile is its transmittances, reds, greens and blues. */
// @ts-ignore: decorator
@inline export const planeBytes: usize = <usize>tileSize * 4;
// @ts-ignore: decorator
@inline export const tileRowBytes: usize = planeBytes * 4;
/** Behind the rows of a tile: for each row a bit for each pixel that is finished; room to read four too many. */
// @ts-ignore: decorator
@inline export const atFinished: usize = <usize>tileSize * tileRowBytes;
// @ts-ignore: decorator
@inline export const tileBytes: usize = atFinished + <usize>(tileSize + 8) * 4 + 32;
// @ts-ignore: decorator
@inline export const recordBytes: usize = 64;

// Fields of a record.
// @ts-ignore: decorator
@inline export const atU: usize = 0;
// @ts-ignore: decorator
@inline export const atV: usize = 4;
// @ts-ignore: decorator
@inline export const atK: usize = 8;
// @ts-ignore: decorator
@inline export const atSlope: usize = 12;
// @ts-ignore: decorator
@inline export const atH: usize = 16;
/** log₂ of the opacity. */
// @ts-ignore: decorator
@inline export const atLogOpacity: usize = 20;
/** First and last column, first and last row, inclusive; 16 bits each. */
// @ts-ignore: decorator
@inline export const atBox: usize = 24;
// @ts-ignore: decorator
@inline export const atRed: usize = 32;
// @ts-ignore: decorator
@inline export const atGreen: usize = 36;
// @ts-ignore: decorator
@inline export const atBlue: usize = 40;
/** The bits of the depth: those of a positive float, read as an integer, are in its order. */
// @ts-ignore: decorator
@inline export const atDepth: usize = 44;
/** The splat's place in the asset, K7. */
// @ts-ignore: decorator
@inline export const atSplat: usize = 48;

/** The records of a tile lie in chunks of this size, at multiples of it (K4). */
// @ts-ignore: decorator
@inline export const chunkBytes: usize = 4096;
// @ts-ignore: decorator
@inline const recordsOfChunk: i32 = 63;
/**
 * Where the records of a chunk end and it stands which chunk comes next: the next place of a tile whose chunk is full, or
 * that has none yet.
 */
// @ts-ignore: decorator
@inline export const chunkEnd: usize = <usize>recordsOfChunk * recordBytes;

/** What `writeRows` finds out about a row, and where records lie for a moment that go to several tiles. */
// @ts-ignore: decorator
@inline export const rowLog: usize = 5;
// @ts-ignore: decorator
@inline const rowBytes: usize = (<usize>tileSize + 4) << rowLog;
/** Constants of the pixel loop, see `constant`, and behind them the open tile; native/tile.h knows these places as well. */
// @ts-ignore: decorator
@inline const constantBytes: usize = 128;
// @ts-ignore: decorator
@inline export const atState: usize = 64;
// @ts-ignore: decorator
@inline export const atSorted: usize = 68;
// @ts-ignore: decorator
@inline export const atCount: usize = 72;
// @ts-ignore: decorator
@inline export const atLeft: usize = 76;
// @ts-ignore: decorator
@inline export const atTop: usize = 80;
// @ts-ignore: decorator
@inline export const atColumns: usize = 84;
// @ts-ignore: decorator
@inline export const atRows: usize = 88;
/** Digits of the sort: of few entries, and of many. */
// @ts-ignore: decorator
@inline export const digitBits: i32 = 8;
// @ts-ignore: decorator
@inline export const wideDigitBits: i32 = 12;
// @ts-ignore: decorator
@inline const counterBytes: usize = 4 << wideDigitBits;

// @ts-ignore: decorator
@inline
export function aligned(bytes: usize): usize {
  return (bytes + 63) & ~63;
}

// @ts-ignore: decorator
@inline
function tilesAcross(size: i32): i32 {
  return (size + tileSize - 1) >> tileLog;
}

/** Chunks that `listed` records in `tiles` tiles take at most, and one that is written to when there are no more. */
// @ts-ignore: decorator
@inline
function chunksFor(listed: i32, tiles: i32): usize {
  return <usize>(listed / recordsOfChunk) + <usize>tiles + 1;
}

/** Bytes of the area that each thread needs for itself, for scenes of up to `count` splats. */
export function threadBytes(count: i32): usize {
  return (
    constantBytes +
    rowBytes +
    aligned(tileBytes) +
    counterBytes +
    aligned(<usize>count * 8) * 2
  );
}

/** Bytes of the area of a view of `size` pixels an edge, with the records of its tiles. */
export function viewBytes(count: i32, size: i32, listCapacity: i32): usize {
  const tiles = tilesAcross(size) * tilesAcross(size);
  return (
    aligned(<usize>tiles * 4) * 2 +
    aligned(<usize>size * size * 3) +
    (chunksFor(max(listCapacity, count), tiles) + 1) * chunkBytes
  );
}

/** Columns of the scene; see `projectView`. */
export let positions: usize = 0;
export let covariances: usize = 0;
export let reaches: usize = 0;
export let indices: usize = 0;
export let colours: usize = 0;

export let constants: usize = 0;
export let rowSpans: usize = 0;
/** The tile that is being drawn. */
export let state: usize = 0;
export let counts: usize = 0;
export let entries: usize = 0;
export let spare: usize = 0;
/** For each tile its first chunk, and where its next record goes; `chunkEnd` while it has none. */
export let heads: usize = 0;
export let tails: usize = 0;
export let pixels: usize = 0;
/** The first chunk, and the last one, which is written to when there are no more. */
export let firstChunk: usize = 0;
export let lastChunk: usize = 0;
/** Tiles in a row of the picture. */
export let across: i32 = 0;

/** Finds the places of a scene's columns. */
export function placeScene(scene: usize, count: i32): void {
  const column = aligned(<usize>count * 4);
  positions = scene;
  covariances = scene + column * 3;
  reaches = scene + column * 9;
  indices = scene + column * 10;
  colours = scene + column * 11;
}

/** Finds the places of all that lies in a thread's area, and writes what is constant there. */
export function placeThread(thread: usize, count: i32): void {
  constants = thread;
  rowSpans = constants + constantBytes;
  state = rowSpans + rowBytes;
  counts = state + aligned(tileBytes);
  entries = counts + counterBytes;
  spare = entries + aligned(<usize>count * 8);
  writeConstants();
}

/** Finds the places of all that lies in a view's area. */
export function placeView(view: usize, count: i32, size: i32, listCapacity: i32): void {
  across = tilesAcross(size);
  const tiles = across * across;
  heads = view;
  tails = heads + aligned(<usize>tiles * 4);
  pixels = tails + aligned(<usize>tiles * 4);
  const end = pixels + aligned(<usize>size * size * 3);
  firstChunk = (end + chunkBytes - 1) & ~(chunkBytes - 1);
  lastChunk = firstChunk + (chunksFor(max(listCapacity, count), tiles) - 1) * chunkBytes;
}

function writeConstants(): void {
  // 2^f for f in ±½ by a polynomial that is 1 at 0, so that what is nearly 1 stays precise when it is multiplied row by
  // row; relative error below 1e-7, near 0 below 2e-8. Coefficients by Remez exchange.
  store<f32>(constants, 1, 0);
  store<f32>(constants, 0.6931469775951072, 4);
  store<f32>(constants, 0.24022242077112627, 8);
  store<f32>(constants, 0.05550733744520309, 12);
  store<f32>(constants, 0.009671513181923224, 16);
  store<f32>(constants, 0.0013264728747270276, 20);
  store<f32>(constants, 12582912.0, 24); // 1.5 × 2^23: adding it rounds to a whole number
  store<f32>(constants, <f32>mostAlpha, 28);
  store<f32>(constants, <f32>leastAlpha, 32);
  store<f32>(constants, <f32>leastTransmittance, 36);
  store<u32>(constants, 0x80000000, 40);
}

/**
 * A constant of the pixel loop, which reads them from memory: as literals the engine makes each anew in every round,
 * three instructions for one.
 */
// @ts-ignore: decorator
@inline
export function constant(at: usize): v128 {
  return v128.load32_splat(constants + at);
}

// @ts-ignore: decorator
@inline
export function leftOf(box: u64): i32 {
  return <i32>(box & 0xffff);
}

// @ts-ignore: decorator
@inline
export function rightOf(box: u64): i32 {
  return <i32>((box >> 16) & 0xffff);
}

// @ts-ignore: decorator
@inline
export function topOf(box: u64): i32 {
  return <i32>((box >> 32) & 0xffff);
}

// @ts-ignore: decorator
@inline
export function bottomOf(box: u64): i32 {
  return <i32>(box >> 48);
}
