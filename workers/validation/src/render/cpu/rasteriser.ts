/**
 * The reference rasteriser: one thread, one view at a time, the same picture bit for bit every time.
 *
 * Splats are projected, sorted from near to far (stable in the input order) and listed for the tiles that they touch;
 * each tile then blends its list front to back. Buffers are kept between views: nothing is allocated in the loops.
 */
import type { Camera } from "../camera.ts";
import type { RgbImage } from "../image.ts";
import type { Scene } from "../scene.ts";
import { sortByDepth } from "./depth-sort.ts";
import { createEllipses, type Ellipses, minAlpha, projectScene } from "./projection.ts";

/** Pixels along a tile's edge. */
const tileSize = 16;
const tilePixels = tileSize * tileSize;
/** α is capped. Source: gsplat. */
const maxAlpha = 0.999;
/** A pixel whose transmittance would fall to this is finished. Source: gsplat. */
const minTransmittance = 1e-4;

export interface Rasteriser {
  /** @param background r, g, b in 0 to 1 */
  render(scene: Scene, camera: Camera, background: readonly [number, number, number]): RgbImage;
}

export function createRasteriser(): Rasteriser {
  let ellipses = createEllipses(0);
  let order = new Uint32Array(0);
  let lists = new Uint32Array(0);
  let tileStarts = new Uint32Array(0);
  const pixels = createTilePixels();

  return {
    render(scene, camera, background) {
      if (ellipses.depths.length < scene.count) {
        ellipses = createEllipses(scene.count);
        order = new Uint32Array(scene.count);
      }
      projectScene(scene, camera, ellipses);
      sortByDepth(ellipses.depths, ellipses.count, order);

      const tilesAcross = Math.ceil(camera.size / tileSize);
      if (tileStarts.length < tilesAcross * tilesAcross + 1) {
        tileStarts = new Uint32Array(tilesAcross * tilesAcross + 1);
      }
      const total = countPerTile(ellipses, tilesAcross, tileStarts);
      if (lists.length < total) lists = new Uint32Array(Math.ceil(total * 1.5));
      fillLists(ellipses, order, tilesAcross, tileStarts, lists);

      const image = new Uint8Array(camera.size * camera.size * 3);
      for (let tile = 0; tile < tilesAcross * tilesAcross; tile++) {
        const left = (tile % tilesAcross) * tileSize;
        const top = Math.floor(tile / tilesAcross) * tileSize;
        // After filling, a tile's start has moved to its end.
        const from = tile === 0 ? 0 : (tileStarts[tile - 1] ?? 0);
        blendTile(ellipses, lists, from, tileStarts[tile] ?? 0, left, top, camera.size, pixels);
        writeTile(pixels, background, left, top, camera.size, image);
      }
      return { width: camera.size, height: camera.size, pixels: image };
    },
  };
}

/** Sets `starts` to where each tile's list begins; returns the length of all lists together. */
function countPerTile(ellipses: Ellipses, tilesAcross: number, starts: Uint32Array): number {
  starts.fill(0);
  const { bounds } = ellipses;
  for (let i = 0; i < ellipses.count; i++) {
    const left = (bounds[i * 4] ?? 0) >> 4;
    const right = (bounds[i * 4 + 1] ?? 0) >> 4;
    const bottom = (bounds[i * 4 + 3] ?? 0) >> 4;
    for (let row = (bounds[i * 4 + 2] ?? 0) >> 4; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const tile = row * tilesAcross + column;
        starts[tile] = (starts[tile] ?? 0) + 1;
      }
    }
  }
  let total = 0;
  for (let tile = 0; tile < tilesAcross * tilesAcross; tile++) {
    const count = starts[tile] ?? 0;
    starts[tile] = total;
    total += count;
  }
  return total;
}

/** Lists each tile's splats from near to far; moves each start to the end of its list. */
function fillLists(
  ellipses: Ellipses,
  order: Uint32Array,
  tilesAcross: number,
  starts: Uint32Array,
  lists: Uint32Array,
): void {
  const { bounds } = ellipses;
  for (let k = 0; k < ellipses.count; k++) {
    const i = order[k] ?? 0;
    const left = (bounds[i * 4] ?? 0) >> 4;
    const right = (bounds[i * 4 + 1] ?? 0) >> 4;
    const bottom = (bounds[i * 4 + 3] ?? 0) >> 4;
    for (let row = (bounds[i * 4 + 2] ?? 0) >> 4; row <= bottom; row++) {
      for (let column = left; column <= right; column++) {
        const tile = row * tilesAcross + column;
        const at = starts[tile] ?? 0;
        lists[at] = i;
        starts[tile] = at + 1;
      }
    }
  }
}

/** A tile's pixels while it is blended. */
interface TilePixels {
  readonly red: Float64Array;
  readonly green: Float64Array;
  readonly blue: Float64Array;
  /** Transmittance; negative once the pixel is finished (its absolute value counts). */
  readonly transmittance: Float64Array;
}

function createTilePixels(): TilePixels {
  return {
    red: new Float64Array(tilePixels),
    green: new Float64Array(tilePixels),
    blue: new Float64Array(tilePixels),
    transmittance: new Float64Array(tilePixels),
  };
}

function blendTile(
  ellipses: Ellipses,
  lists: Uint32Array,
  from: number,
  to: number,
  left: number,
  top: number,
  size: number,
  pixels: TilePixels,
): void {
  const { red, green, blue, transmittance } = pixels;
  red.fill(0);
  green.fill(0);
  blue.fill(0);
  transmittance.fill(1);
  let live = Math.min(tileSize, size - left) * Math.min(tileSize, size - top);
  for (let k = from; k < to && live > 0; k++) {
    const i = lists[k] ?? 0;
    const mx = (ellipses.x[i] ?? 0) - 0.5;
    const my = (ellipses.y[i] ?? 0) - 0.5;
    const a = ellipses.a[i] ?? 0;
    const b = ellipses.b[i] ?? 0;
    const c = ellipses.c[i] ?? 0;
    const opacity = ellipses.opacities[i] ?? 0;
    const cutoff = ellipses.cutoffs[i] ?? 0;
    const r = ellipses.colours[i * 3] ?? 0;
    const g = ellipses.colours[i * 3 + 1] ?? 0;
    const bl = ellipses.colours[i * 3 + 2] ?? 0;
    const firstColumn = Math.max(left, ellipses.bounds[i * 4] ?? 0);
    const lastColumn = Math.min(left + tileSize - 1, ellipses.bounds[i * 4 + 1] ?? 0);
    const firstRow = Math.max(top, ellipses.bounds[i * 4 + 2] ?? 0);
    const lastRow = Math.min(top + tileSize - 1, ellipses.bounds[i * 4 + 3] ?? 0);
    for (let row = firstRow; row <= lastRow; row++) {
      const dy = row - my;
      const halfCdy2 = 0.5 * c * dy * dy;
      const bdy = b * dy;
      // Where ½a·dx² + b·dy·dx + ½c·dy² stays under the cutoff; one pixel more on each side, the test below decides.
      const discriminant = bdy * bdy - 2 * a * (halfCdy2 - cutoff);
      if (discriminant < 0) continue;
      const root = Math.sqrt(discriminant);
      const start = Math.max(firstColumn, Math.ceil(mx + (-bdy - root) / a - 1e-3));
      const end = Math.min(lastColumn, Math.floor(mx + (-bdy + root) / a + 1e-3));
      let at = (row - top) * tileSize + (start - left);
      for (let column = start; column <= end; column++, at++) {
        const t = transmittance[at] ?? 0;
        if (t < 0) continue;
        const dx = column - mx;
        const sigma = 0.5 * a * dx * dx + halfCdy2 + bdy * dx;
        if (sigma < 0) continue;
        const alpha = Math.min(maxAlpha, opacity * Math.exp(-sigma));
        if (alpha < minAlpha) continue;
        const next = t * (1 - alpha);
        if (next <= minTransmittance) {
          transmittance[at] = -t;
          live--;
          continue;
        }
        const weight = alpha * t;
        red[at] = (red[at] ?? 0) + weight * r;
        green[at] = (green[at] ?? 0) + weight * g;
        blue[at] = (blue[at] ?? 0) + weight * bl;
        transmittance[at] = next;
      }
    }
  }
}

function writeTile(
  pixels: TilePixels,
  background: readonly [number, number, number],
  left: number,
  top: number,
  size: number,
  image: Uint8Array,
): void {
  const columns = Math.min(tileSize, size - left);
  const rows = Math.min(tileSize, size - top);
  for (let row = 0; row < rows; row++) {
    let at = row * tileSize;
    let to = ((top + row) * size + left) * 3;
    for (let column = 0; column < columns; column++, at++, to += 3) {
      const t = Math.abs(pixels.transmittance[at] ?? 0);
      image[to] = quantise((pixels.red[at] ?? 0) + t * background[0]);
      image[to + 1] = quantise((pixels.green[at] ?? 0) + t * background[1]);
      image[to + 2] = quantise((pixels.blue[at] ?? 0) + t * background[2]);
    }
  }
}

function quantise(value: number): number {
  return Math.floor(255 * Math.min(1, Math.max(0, value)));
}
