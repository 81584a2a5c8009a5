/**
 * Step 5 by AVX2. Each pixel gets the same operations in the same order as by ../cells.as and ../pixels.as, which say what
 * they mean, and so the same bytes; whoever compiles this may therefore not contract a product and a sum into one operation.
 */
// Only here: the rest is for every processor.
#pragma GCC target("avx2")
#include <immintrin.h>
#include "tile.h"

#define INLINE __attribute__((always_inline)) inline

namespace {

constexpr int cellRows = 16;
constexpr float mostExponent = 100;
/** Records lie anywhere in the second-level cache; so many before its turn one is asked for. */
constexpr int ahead = 16;

struct Four {
  using Floats = __m128;
  using Ints = int32_t __attribute__((vector_size(16)));
  static INLINE Floats load(const float* at) { return _mm_loadu_ps(at); }
  static INLINE void store(float* at, Floats values) { _mm_storeu_ps(at, values); }
  static INLINE Floats splat(float value) { return _mm_set1_ps(value); }
  static INLINE Floats min(Floats a, Floats b) { return _mm_min_ps(a, b); }
  static INLINE uint32_t signs(Floats values) { return _mm_movemask_ps(values); }
  static INLINE Floats join(Floats first, Floats) { return first; }
};

struct Eight {
  using Floats = __m256;
  using Ints = int32_t __attribute__((vector_size(32)));
  static INLINE Floats load(const float* at) { return _mm256_loadu_ps(at); }
  static INLINE void store(float* at, Floats values) { _mm256_storeu_ps(at, values); }
  static INLINE Floats splat(float value) { return _mm256_set1_ps(value); }
  static INLINE Floats min(Floats a, Floats b) { return _mm256_min_ps(a, b); }
  static INLINE uint32_t signs(Floats values) { return _mm256_movemask_ps(values); }
  static INLINE Floats join(__m128 low, __m128 high) { return _mm256_set_m128(high, low); }
};

/** 2^x for x from −126 to 127. */
template <class Lanes, class Floats = typename Lanes::Floats, class Ints = typename Lanes::Ints>
INLINE Floats exp2(Floats x, const Tile& tile) {
  const Floats shifted = x + tile.magic;
  const Floats f = x - (shifted - tile.magic);
  Floats value = tile.powers[5] * f + tile.powers[4];
  value = value * f + tile.powers[3];
  value = value * f + tile.powers[2];
  value = value * f + tile.powers[1];
  value = value * f + tile.powers[0];
  return (Floats)((Ints)value + ((Ints)shifted << 23));
}

/** How much light each pixel gives to the splat, and how much it lets through behind it. */
template <class Lanes> struct Blended {
  typename Lanes::Floats added, rest;
};

template <class Lanes, class Floats = typename Lanes::Floats, class Ints = typename Lanes::Ints>
INLINE Blended<Lanes> weigh(Floats T, Floats alphas, const Tile& tile) {
  const Floats alpha = Lanes::min(alphas, Lanes::splat(tile.mostAlpha));
  const Ints drawn = alpha >= tile.leastAlpha;
  const Floats weight = alpha * T;
  const Ints open = T - weight > tile.leastTransmittance;
  const Floats added = (Floats)((Ints)weight & drawn & open);
  const Ints finished = drawn & ~open & INT32_MIN;
  return {added, (Floats)((Ints)(T - added) | finished)};
}

/** Cells of the same rows, side by side; the last one may be half as wide as the others. */
struct Cells {
  int x, first, height;
  /** From the splat's centre to the first row. */
  float dy;
};

/** α of the first row of a cell, and how it changes to the second. */
template <class Lanes> struct Slice {
  typename Lanes::Floats alphas, ratios;
};

template <class Lanes, int count>
INLINE void blendCells(float* state, const Record& record, const Tile& tile, const Cells& cells, float u) {
  using Floats = typename Lanes::Floats;
  const float k = record.k, slope = record.slope, h = record.h, dy = cells.dy;
  const float ks = k * slope;
  float t[2] = {float(cells.x) - u - slope * dy, 0};
  if (count == 2) t[1] = float(cells.x + 8) - u - slope * dy;
  const __m128 powers = exp2<Four>(
    _mm_setr_ps(
      ks * (2 * t[0] - slope) - h * (2 * dy + 1),
      ks * (2 * t[1] - slope) - h * (2 * dy + 1),
      2 * ks,
      -2 * (ks * slope + h)
    ),
    tile
  );
  const __m128 one = _mm_set1_ps(1);
  const __m128 q = _mm_shuffle_ps(powers, powers, 0xaa);
  const __m128 qq = q * q;
  const __m128 alternate = _mm_unpacklo_ps(one, q);
  const __m128 steps = _mm_movelh_ps(alternate, alternate) * _mm_shuffle_ps(one, qq, 0);
  const float base = record.logOpacity - h * dy * dy;
  Slice<Lanes> slices[count];
  for (int i = 0; i < count; i++) {
    const __m128 ratio = (i == 0 ? _mm_shuffle_ps(powers, powers, 0) : _mm_shuffle_ps(powers, powers, 0x55)) * steps;
    const __m128 ts = t[i] + _mm_setr_ps(0, 1, 2, 3);
    const Floats columns = Lanes::join(ts, ts + 4);
    slices[i] = {exp2<Lanes>(base - k * columns * columns, tile), Lanes::join(ratio, ratio * (qq * qq))};
  }
  const Floats curve = Lanes::splat(powers[3]);
  const Floats red = Lanes::splat(record.red);
  const Floats green = Lanes::splat(record.green);
  const Floats blue = Lanes::splat(record.blue);
  float* at = state + cells.first * row + cells.x;
  uint32_t* finished = reinterpret_cast<uint32_t*>(state + finishedAt) + cells.first;
  for (const uint32_t* end = finished + cells.height; finished <= end; finished++) {
    uint32_t bits = 0;
    for (int i = 0; i < count; i++) {
      float* pixels = at + i * 8;
      const Blended<Lanes> blended = weigh<Lanes>(Lanes::load(pixels), slices[i].alphas, tile);
      Lanes::store(pixels, blended.rest);
      Lanes::store(pixels + plane, Lanes::load(pixels + plane) + blended.added * red);
      Lanes::store(pixels + plane * 2, Lanes::load(pixels + plane * 2) + blended.added * green);
      Lanes::store(pixels + plane * 3, Lanes::load(pixels + plane * 3) + blended.added * blue);
      bits |= Lanes::signs(blended.rest) << (8 * i);
      slices[i].alphas *= slices[i].ratios;
      slices[i].ratios *= curve;
    }
    *finished |= bits << cells.x;
    at += row;
  }
}

/** -1 for the rows of a cell, from 15 less its height on. */
alignas(64) constexpr int32_t within[cellRows * 2 - 1] = {
  -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
};

INLINE __m256i words(const void* at) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(at));
}

/** Whether one of the pixels `shown` in the row of `finished` and `height` more is not finished. */
INLINE bool isOpen(uint32_t shown, const uint32_t* finished, int height) {
  const int32_t* rows = within + cellRows - 1 - height;
  const __m256i first = _mm256_andnot_si256(words(finished), words(rows));
  const __m256i second = _mm256_andnot_si256(words(finished + 8), words(rows + 8));
  return !_mm256_testz_si256(_mm256_set1_epi32(shown), _mm256_or_si256(first, second));
}

INLINE bool isFinished(const uint32_t* rows) {
  uint32_t all = ~0u;
  for (int y = 0; y < tileSize; y++) all &= rows[y];
  return all == ~0u;
}

INLINE int min(int a, int b) {
  return a < b ? a : b;
}

INLINE int max(int a, int b) {
  return a > b ? a : b;
}

}  // namespace

int blendRecords(char* memory, size_t bytes, const Tile& tile, int from) {
  const Entry* sorted = reinterpret_cast<const Entry*>(memory + tile.sorted);
  float* state = reinterpret_cast<float*>(memory + tile.state);
  const uint32_t* finished = reinterpret_cast<const uint32_t*>(state + finishedAt);
  for (int i = from; i < tile.count; i++) {
    if ((i & 255) == 0 && isFinished(finished)) return tile.count;
    _mm_prefetch(memory + sorted[min(i + ahead, tile.count - 1)].record, _MM_HINT_T0);
    if (sorted[i].record > bytes - sizeof(Record)) return -1;
    const Record& record = *reinterpret_cast<const Record*>(memory + sorted[i].record);
    const int boxLeft = record.left - tile.left;
    const int boxTop = record.top - tile.top;
    const int start = max(0, boxLeft);
    const int end = min(tile.columns - 1, record.right - tile.left);
    const int first = max(0, boxTop);
    const int bottom = min(tile.rows - 1, record.bottom - tile.top);
    const int width = end - start;
    const int height = bottom - first;
    if (width < 0 || height < 0) continue;
    const float u = record.u + float(boxLeft);
    const float v = record.v + float(boxTop);
    const bool isOneCell = width < 8 && height < cellRows;
    const int x = isOneCell ? min(start, width < 4 ? tileSize - 4 : tileSize - 8) : start & ~3;
    const float halfHeight = 0.5f * float(height);
    const float high = __builtin_fabsf(float(first) + halfHeight - v) + halfHeight;
    const float halfWidth = 0.5f * float((end - x) | 3);
    const float wide =
      __builtin_fabsf(float(x) + halfWidth - u) + halfWidth + __builtin_fabsf(record.slope) * high;
    if (!(record.k * wide * wide + record.h * high * high < mostExponent)) return i;
    const uint32_t shown = ((2u << end) - 1) & (~0u << start);
    if (isOneCell) {
      if (!isOpen(shown, finished + first, height)) continue;
      const Cells cell = {x, first, height, float(first) - v};
      if (width < 4) blendCells<Four, 1>(state, record, tile, cell, u);
      else blendCells<Eight, 1>(state, record, tile, cell, u);
      continue;
    }
    for (int y = first; y <= bottom; y += cellRows) {
      Cells cells = {x, y, min(cellRows - 1, bottom - y), float(y) - v};
      const auto isSeen = [&](uint32_t columns) {
        return isOpen(shown & (columns << cells.x), finished + y, cells.height);
      };
      for (; cells.x + 12 <= end; cells.x += 16) {
        if (isSeen(0xffff)) blendCells<Eight, 2>(state, record, tile, cells, u);
      }
      for (; cells.x <= end; cells.x += 8) {
        if (!isSeen(0xff)) continue;
        if (end - cells.x < 4) blendCells<Four, 1>(state, record, tile, cells, u);
        else blendCells<Eight, 1>(state, record, tile, cells, u);
      }
    }
  }
  return tile.count;
}
