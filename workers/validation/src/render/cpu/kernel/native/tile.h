/** What lies in WebAssembly's memory, as ../memory.as has it; numbers are little-endian on both sides. */
#pragma once
#include <cstddef>
#include <cstdint>

constexpr int tileSize = 32;
/** From a pixel's transmittance to its red, green and blue, and to the pixel below it; in floats. */
constexpr size_t plane = tileSize;
constexpr size_t row = plane * 4;
/** From a tile's first pixel to the bits of its finished ones, a word a row; in floats. */
constexpr size_t finishedAt = tileSize * row;
/** Finished rows are read sixteen at a time, from whichever a splat begins in. */
constexpr size_t tileBytes = (finishedAt + tileSize + 16) * 4;

struct Record {
  float u, v, k, slope, h, logOpacity;
  uint16_t left, right, top, bottom;
  float red, green, blue;
  uint32_t depth, splat, unused[3];
};
static_assert(sizeof(Record) == 64, "a line of the cache");

/** A record of the tile, nearest first. */
struct Entry {
  uint32_t record, depth;
};

/** A tile that is open, and before it the constants of the pixel loop. */
struct Tile {
  float powers[6], magic, mostAlpha, leastAlpha, leastTransmittance;
  uint32_t unused[6];
  uint32_t state, sorted;
  int32_t count, left, top, columns, rows;
};
static_assert(offsetof(Tile, state) == 64, "behind the constants");

/**
 * Blends the records of an open tile from number `from` on, in a memory of `bytes` bytes. Returns the number of the first that
 * has to be drawn row by row, which ../rows.as does; `count` when there is none; -1 when a record lies outside of the memory.
 */
int blendRecords(char* memory, size_t bytes, const Tile& tile, int from);
