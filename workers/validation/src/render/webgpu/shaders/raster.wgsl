// Steps 5 and 6: a workgroup a tile, a thread a pixel. Splats are fetched together, near to far, and each thread blends
// those that its pixel sees. The tile ends when all its pixels are finished. Most splats reach a part of a tile only: for
// each it is known in which of the tile's 16 blocks of 4 × 4 pixels, and the others do not look at it.

@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var<storage, read> projected: array<Projected>;
@group(0) @binding(2) var<storage, read> ranges: array<vec2u>;
@group(0) @binding(3) var<storage, read> pairSplats: array<u32>;
@group(0) @binding(4) var<storage, read_write> list: List;
// A pixel in each: red, green and blue from the lowest byte up, and 255 where there is a number.
@group(0) @binding(5) var<storage, read_write> picture: array<u32>;

var<workgroup> near: array<Projected, threads>;
// For each block a bit for each of the splats that were fetched, whether it may reach the block; once for those that are
// blended now and once for those that come next.
var<workgroup> reaching: array<atomic<u32>, 2u * maskWords>;
var<workgroup> finished: atomic<u32>;
var<workgroup> evaluations: atomic<u32>;

const blockSize = 4u;
const blocks = 16u;
const wordsOfBlock = threads / 32u;
const maskWords = blocks * wordsOfBlock;

// The blocks of a row or column, a bit each, from `low` to `high` in pixels from its beginning.
fn blocksBetween(low: f32, high: f32) -> u32 {
  let first = u32(clamp(low / f32(blockSize), 0.0, 4.0));
  let last = u32(clamp(high / f32(blockSize), 0.0, 3.0));
  return ((2u << last) - 1u) & (0xfu << first);
}

fn blocksOf(splat: Projected, corner: vec2f) -> u32 {
  let middle = splat.place.xy - corner;
  let reach = vec2f(splat.place.w, splat.conic.w);
  let low = middle - reach;
  let high = middle + reach;
  let rows = blocksBetween(low.y, high.y);
  // Each row of blocks has four bits.
  let spread = (rows & 1u) | ((rows & 2u) << 3u) | ((rows & 4u) << 6u) | ((rows & 8u) << 9u);
  return blocksBetween(low.x, high.x) * spread;
}

@compute @workgroup_size(tileSize, tileSize)
fn raster(
  @builtin(workgroup_id) group: vec3u,
  @builtin(local_invocation_id) local: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let row = group.y + view.firstRow;
  let range = ranges[row * view.tilesAcross + group.x];
  let pixel = vec2u(group.x, row) * tileSize + local.xy;
  let isInside = all(pixel < vec2u(view.size));
  let centre = vec2f(pixel) + 0.5;
  let leastPower = log2(leastAlpha);
  let corner = vec2f(vec2u(group.x, row) * tileSize);
  let block = local.xy / blockSize;
  let ownWords = (block.y * 4u + block.x) * wordsOfBlock;

  if (thread == 0u) {
    atomicStore(&finished, 0u);
    atomicStore(&evaluations, 0u);
  }
  if (thread < maskWords) {
    atomicStore(&reaching[thread], 0u);
  }
  workgroupBarrier();
  var sum = vec3f(0.0);
  var transmittance = 1.0;
  var isFinished = !isInside;
  var looked = 0u;
  if (isFinished) {
    atomicAdd(&finished, 1u);
  }
  var masks = 0u;
  for (var start = range.x; start < range.y; start += threads) {
    if (workgroupUniformLoad(&finished) == threads) {
      break;
    }
    let count = min(threads, range.y - start);
    if (thread < count) {
      let splat = projected[pairSplats[start + thread]];
      near[thread] = splat;
      let bit = 1u << (thread & 31u);
      var rest = blocksOf(splat, corner);
      while (rest != 0u) {
        let word = firstTrailingBit(rest) * wordsOfBlock + (thread >> 5u);
        atomicOr(&reaching[masks + word], bit);
        rest &= rest - 1u;
      }
    }
    if (thread < maskWords) {
      atomicStore(&reaching[maskWords - masks + thread], 0u);
    }
    workgroupBarrier();
    for (var word = 0u; word < wordsOfBlock && !isFinished; word++) {
      var rest = atomicLoad(&reaching[masks + ownWords + word]);
      while (rest != 0u) {
        let n = word * 32u + firstTrailingBit(rest);
        rest &= rest - 1u;
        looked += 1u;
        let conic = near[n].conic.xyz;
        let place = near[n].place.xyz;
        let d = centre - place.xy;
        let sigma = conic.x * d.x * d.x + conic.y * d.x * d.y + conic.z * d.y * d.y;
        let power = place.z - sigma;
        if (sigma < 0.0 || !(power >= leastPower)) {
          continue;
        }
        let alpha = min(mostAlpha, exp2(power));
        let next = transmittance * (1.0 - alpha);
        if (next <= leastTransmittance) {
          isFinished = true;
          atomicAdd(&finished, 1u);
          break;
        }
        sum += alpha * transmittance * near[n].colour.rgb;
        transmittance = next;
      }
    }
    masks = maskWords - masks;
  }

  atomicAdd(&evaluations, looked);
  workgroupBarrier();
  if (thread == 0u) {
    atomicAdd(&list.evaluations, atomicLoad(&evaluations));
  }
  if (isInside) {
    let seen = sum + transmittance * view.background;
    let bytes = vec3u(floor(255.0 * clamp(seen, vec3f(0.0), vec3f(1.0))));
    // Comparisons with what is no number are false.
    let isNumber = all(abs(seen) < vec3f(1e12));
    let colour = bytes.r | (bytes.g << 8u) | (bytes.b << 16u);
    picture[pixel.y * view.size + pixel.x] = select(0u, colour | 0xff000000u, isNumber);
  }
}
