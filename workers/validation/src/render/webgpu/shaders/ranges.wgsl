// Where the splats of each tile begin and end in the sorted list.

@group(0) @binding(0) var<storage, read_write> list: List;
@group(0) @binding(1) var<storage, read> tiles: array<u32>;
@group(0) @binding(2) var<storage, read_write> ranges: array<vec2u>;

@compute @workgroup_size(threads)
fn findRanges(
  @builtin(workgroup_id) block: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  for (var n = 0u; n < perThread; n++) {
    let at = block.x * perBlock + n * threads + thread;
    if (at >= list.count) {
      return;
    }
    let tile = tiles[at];
    if (at == 0u || tiles[at - 1u] != tile) {
      ranges[tile].x = at;
    }
    if (at + 1u == list.count || tiles[at + 1u] != tile) {
      ranges[tile].y = at + 1u;
    }
  }
}
