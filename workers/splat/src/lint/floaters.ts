/** Splats that belong to no piece of any size: what hangs in the air around an object. */
import type { Visible } from "./visible.ts";

/** Cells along an edge of the box around the visible splats: a surface has a few splats in each of its cells. */
const cellsAlong = { least: 6, most: 48, splatsPerCell: 10 } as const;
/** Smaller pieces, as a share of all visible splats, are floaters. */
const leastPieceShare = 0.01;

/** 0 to 1 */
export function floaterShare({ count, positions }: Visible): number {
  const { least, most, splatsPerCell } = cellsAlong;
  const side = Math.max(least, Math.min(most, Math.floor(Math.sqrt(count / splatsPerCell))));
  const cells = cellsOf(positions, count, side);
  const sizes = new Uint32Array(side ** 3);
  for (let i = 0; i < count; i++) {
    const cell = cells[i] ?? 0;
    sizes[cell] = (sizes[cell] ?? 0) + 1;
  }
  let inPieces = 0;
  const seen = new Uint8Array(side ** 3);
  for (let cell = 0; cell < sizes.length; cell++) {
    if (seen[cell] === 1 || sizes[cell] === 0) {
      continue;
    }
    const piece = pieceFrom(cell, side, sizes, seen);
    if (piece >= count * leastPieceShare) {
      inPieces += piece;
    }
  }
  return 1 - inPieces / count;
}

function cellsOf(positions: Float32Array, count: number, side: number): Uint32Array {
  const low = [Infinity, Infinity, Infinity];
  let extent = 0;
  for (let axis = 0; axis < 3; axis++) {
    let high = -Infinity;
    for (let i = 0; i < count; i++) {
      const value = positions[i * 3 + axis] ?? 0;
      low[axis] = Math.min(low[axis] ?? 0, value);
      high = Math.max(high, value);
    }
    extent = Math.max(extent, high - (low[axis] ?? 0));
  }
  const cells = new Uint32Array(count);
  const unit = extent > 0 ? side / extent : 0;
  const [lowX = 0, lowY = 0, lowZ = 0] = low;
  for (let i = 0; i < count; i++) {
    const x = Math.min(side - 1, Math.floor(((positions[i * 3] ?? 0) - lowX) * unit));
    const y = Math.min(side - 1, Math.floor(((positions[i * 3 + 1] ?? 0) - lowY) * unit));
    const z = Math.min(side - 1, Math.floor(((positions[i * 3 + 2] ?? 0) - lowZ) * unit));
    cells[i] = (z * side + y) * side + x;
  }
  return cells;
}

/** Number of splats in the cells that touch each other, corners included. */
function pieceFrom(start: number, side: number, sizes: Uint32Array, seen: Uint8Array): number {
  const open = [start];
  seen[start] = 1;
  let splats = 0;
  for (let cell = open.pop(); cell !== undefined; cell = open.pop()) {
    splats += sizes[cell] ?? 0;
    const x = cell % side;
    const y = Math.floor(cell / side) % side;
    const z = Math.floor(cell / (side * side));
    for (let nz = Math.max(0, z - 1); nz <= Math.min(side - 1, z + 1); nz++) {
      for (let ny = Math.max(0, y - 1); ny <= Math.min(side - 1, y + 1); ny++) {
        for (let nx = Math.max(0, x - 1); nx <= Math.min(side - 1, x + 1); nx++) {
          const next = (nz * side + ny) * side + nx;
          if (seen[next] === 1 || sizes[next] === 0) {
            continue;
          }
          seen[next] = 1;
          open.push(next);
        }
      }
    }
  }
  return splats;
}
