/**
 * The fast rasteriser, in AssemblyScript: `node src/kernels/build.ts` makes rasteriser.wasm of it. The same six steps as
 * ../reference.ts, for which it is measured against, with these means:
 *
 * K1 Nothing is allocated: the caller hands in a scene, an area for each thread and one for each view that is drawn, in
 *    memory that all threads share.
 * K2 What a splat needs in the pixel loop lies in one record, a line of the cache, next to the other records of its
 *    tile. A picture is made tile by tile, four pixels at a time, from wherever a splat begins.
 * K3 A row of a splat is a Gaussian in x alone: σ = k·(x − cx)² + h·dy² with cx = u + slope·dy. So the pixels that it
 *    reaches are known exactly, nothing cancels in single precision, and σ is never negative. Centres are kept relative
 *    to the splat's own box, where single precision is finest.
 * K4 Tiles have room for `listCapacity` records together, so that memory has a bound whatever the asset. A view that
 *    needs more is drawn in parts: halves of its tiles, and halves of those.
 * K5 What comes of a splat depends on the splat and the camera alone, never on its neighbours or on the part of the
 *    view: whoever draws which part, the bytes are the same.
 * K6 Once a view is projected its tiles can be drawn by any thread, each by one.
 * K7 Splats come in an order in which neighbours in space follow each other, so that records go to the same few tiles one
 *    after the other. Which of two at one depth comes first is said by their places in the asset all the same.
 * K8 Nearly all time goes into blending the records of a tile. Where the host has a way of its own for it, by vectors
 *    that WebAssembly does not know, it opens a tile, blends, and closes it; what comes of that is the same to the byte.
 */
import { blendRecords as blend } from "./cells";
import {
  across,
  atColumns,
  atCount,
  atLeft,
  atRows,
  atSorted,
  atState,
  atTop,
  constants,
  pixels,
  placeScene,
  placeThread,
  placeView,
  state,
  tileLog,
  tileSize,
} from "./memory";
import { clearTile, fillTile, writeTile } from "./pixels";
import { project } from "./project";
import { clearTiles, isFull, sortRecords, sorted } from "./tiles";

export { threadBytes, viewBytes } from "./memory";

let splats: i32 = 0;
let pictureSize: i32 = 0;
let red: f32 = 0;
let green: f32 = 0;
let blue: f32 = 0;

/**
 * Names the areas that the functions below work with, and the background, 0 to 1. Returns where the picture is, three
 * bytes a pixel.
 */
export function useAreas(
  thread: usize,
  view: usize,
  count: i32,
  size: i32,
  listCapacity: i32,
  backgroundRed: f32,
  backgroundGreen: f32,
  backgroundBlue: f32,
): usize {
  splats = count;
  pictureSize = size;
  red = backgroundRed;
  green = backgroundGreen;
  blue = backgroundBlue;
  placeThread(thread, count);
  placeView(view, count, size, listCapacity);
  return pixels;
}

/**
 * Makes the records of a view. Returns whether they had room: then its tiles can be drawn; otherwise `drawParts` does.
 * @param scene columns of the splats one after the other: x, y, z; xx, xy, xz, yy, yz, zz; log₂ of the opacity; the
 * splat's place in the asset; then four floats for each SH coefficient (red, green, blue, 0), or the colour itself at degree 0
 * @param camera nine rows of the rotation, eye, focal length, principal point, tan(fov/2); float64
 */
export function projectView(scene: usize, degree: i32, camera: usize): bool {
  placeScene(scene, splats);
  clearTiles(0, across - 1, 0, across - 1);
  project(splats, degree, camera, pictureSize);
  return !isFull;
}

/** Draws a whole view whatever its records need (K4), after `projectView`. */
export function drawParts(degree: i32, camera: usize): void {
  drawPart(degree, camera, 0, across - 1, 0, across - 1);
}

function drawPart(
  degree: i32,
  camera: usize,
  left: i32,
  right: i32,
  top: i32,
  bottom: i32,
): void {
  clearTiles(left, right, top, bottom);
  project(splats, degree, camera, pictureSize);
  if (!isFull) {
    for (let row = top; row <= bottom; row++) {
      for (let column = left; column <= right; column++) drawTile(row * across + column);
    }
  } else if (bottom > top) {
    const middle = (top + bottom) >> 1;
    drawPart(degree, camera, left, right, top, middle);
    drawPart(degree, camera, left, right, middle + 1, bottom);
  } else {
    // One tile always has room: there is some for as many records as there are splats.
    const middle = (left + right) >> 1;
    drawPart(degree, camera, left, middle, top, bottom);
    drawPart(degree, camera, middle + 1, right, top, bottom);
  }
}

/** Steps 4 to 6 of one tile, counted row by row. */
export function drawTile(tile: i32): void {
  openTile(tile);
  blendRecords(0, i32.MAX_VALUE);
  closeTile();
}

/**
 * Step 4 of one tile. It is open then (K8): until it is closed its records are blended, each once and in their order.
 * Returns where all stands that blending needs to know, see native/tile.h.
 */
export function openTile(tile: i32): usize {
  const left = (tile % across) << tileLog;
  const top = (tile / across) << tileLog;
  const columns = min(tileSize, pictureSize - left);
  const rows = min(tileSize, pictureSize - top);
  const count = sortRecords(tile);
  if (count > 0) clearTile(columns, rows);
  store<u32>(constants, <u32>state, atState);
  store<u32>(constants, <u32>sorted, atSorted);
  store<i32>(constants, count, atCount);
  store<i32>(constants, left, atLeft);
  store<i32>(constants, top, atTop);
  store<i32>(constants, columns, atColumns);
  store<i32>(constants, rows, atRows);
  return constants;
}

/** Step 5 for those records of the open tile whose numbers are from `from` to before `end`. */
export function blendRecords(from: i32, end: i32): void {
  blend(
    from,
    min(end, load<i32>(constants, atCount)),
    load<i32>(constants, atLeft),
    load<i32>(constants, atTop),
    load<i32>(constants, atColumns),
    load<i32>(constants, atRows),
  );
}

/** Step 6 of the open tile. */
export function closeTile(): void {
  const left = load<i32>(constants, atLeft);
  const top = load<i32>(constants, atTop);
  const columns = load<i32>(constants, atColumns);
  const rows = load<i32>(constants, atRows);
  if (load<i32>(constants, atCount) > 0) {
    writeTile(left, top, columns, rows, pictureSize, red, green, blue);
  } else {
    fillTile(left, top, columns, rows, pictureSize, red, green, blue);
  }
}
