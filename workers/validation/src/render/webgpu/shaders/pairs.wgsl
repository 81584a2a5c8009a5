// Lists a pair (tile, splat) for each tile that a splat touches, splats from near to far: `sumBlocks`, `placeBlocks`,
// `listPairs`. Sorted by tile, in a way that keeps the order, each tile then has its splats from near to far.

@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var<storage, read> extents: array<Extent>;
@group(0) @binding(2) var<storage, read> order: array<u32>;
// The pairs of a block of splats; after `placeBlocks`, where they begin.
@group(0) @binding(3) var<storage, read_write> blocks: array<u32>;
@group(0) @binding(4) var<storage, read_write> list: List;
@group(0) @binding(5) var<storage, read_write> dispatch: array<u32, 3>;
@group(0) @binding(6) var<storage, read_write> tiles: array<u32>;
@group(0) @binding(7) var<storage, read_write> pairSplats: array<u32>;

fn pairsOf(splat: u32) -> u32 {
  let extent = extents[splat];
  let across = (extent.across >> 16u) - (extent.across & 0xffffu);
  return across * ((extent.along >> 16u) - (extent.along & 0xffffu));
}

// Of all the splats of one thread.
fn pairsOfThread(first: u32) -> u32 {
  var sum = 0u;
  let end = min(first + perThread, view.count);
  for (var at = first; at < end; at++) {
    sum = sumOf(sum, pairsOf(order[at]));
  }
  return sum;
}

@compute @workgroup_size(threads)
fn sumBlocks(
  @builtin(workgroup_id) block: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let own = pairsOfThread(block.x * perBlock + thread * perThread);
  let before = sumBefore(thread, own);
  if (thread == threads - 1u) {
    blocks[block.x] = sumOf(before, own);
  }
}

// By one workgroup. Where the pairs do not fit none are listed, and the host sees by `wanted` that there is no picture.
@compute @workgroup_size(threads)
fn placeBlocks(@builtin(local_invocation_index) thread: u32) {
  let length = (view.count + perBlock - 1u) / perBlock;
  let share = (length + threads - 1u) / threads;
  let first = min(thread * share, length);
  let end = min(first + share, length);
  var sum = 0u;
  for (var at = first; at < end; at++) {
    sum = sumOf(sum, blocks[at]);
  }
  var place = sumBefore(thread, sum);
  for (var at = first; at < end; at++) {
    let count = blocks[at];
    blocks[at] = place;
    place = sumOf(place, count);
  }
  if (thread == threads - 1u) {
    list.wanted = place;
    list.count = select(0u, place, place <= view.pairCapacity);
    list.blocks = (list.count + perBlock - 1u) / perBlock;
    dispatch = array(list.blocks, 1u, 1u);
  }
}

@compute @workgroup_size(threads)
fn listPairs(
  @builtin(workgroup_id) block: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let first = block.x * perBlock + thread * perThread;
  var place = sumOf(blocks[block.x], sumBefore(thread, pairsOfThread(first)));
  if (list.count == 0u) {
    return;
  }
  let end = min(first + perThread, view.count);
  for (var at = first; at < end; at++) {
    let splat = order[at];
    let extent = extents[splat];
    for (var y = extent.along & 0xffffu; y < (extent.along >> 16u); y++) {
      for (var x = extent.across & 0xffffu; x < (extent.across >> 16u); x++) {
        tiles[place] = y * view.tilesAcross + x;
        pairSplats[place] = splat;
        place += 1u;
      }
    }
  }
}
