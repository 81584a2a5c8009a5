// One pass of a radix sort by 4 bits: `countDigits`, `placeDigits`, `moveEntries`. Entries of equal digits keep their
// order, so that passes from the lowest bits to the highest sort by all of them.

struct Pass {
  shift: u32,
}

@group(0) @binding(0) var<uniform> pass_: Pass;
@group(0) @binding(1) var<storage, read_write> list: List;
@group(0) @binding(2) var<storage, read> keysFrom: array<u32>;
@group(0) @binding(3) var<storage, read> valuesFrom: array<u32>;
@group(0) @binding(4) var<storage, read_write> keysTo: array<u32>;
@group(0) @binding(5) var<storage, read_write> valuesTo: array<u32>;
// How many entries of a digit each block has; after `placeDigits`, where the first of them goes. All blocks of digit 0,
// then those of digit 1 and so on.
@group(0) @binding(6) var<storage, read_write> histogram: array<u32>;

const digits = 16u;

fn digitOf(key: u32) -> u32 {
  return (key >> pass_.shift) & (digits - 1u);
}

var<workgroup> counts: array<atomic<u32>, digits>;

@compute @workgroup_size(threads)
fn countDigits(
  @builtin(workgroup_id) block: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  if (thread < digits) {
    atomicStore(&counts[thread], 0u);
  }
  workgroupBarrier();
  for (var n = 0u; n < perThread; n++) {
    let at = block.x * perBlock + n * threads + thread;
    if (at < list.count) {
      atomicAdd(&counts[digitOf(keysFrom[at])], 1u);
    }
  }
  workgroupBarrier();
  if (thread < digits) {
    histogram[thread * list.blocks + block.x] = atomicLoad(&counts[thread]);
  }
}

// By one workgroup.
@compute @workgroup_size(threads)
fn placeDigits(@builtin(local_invocation_index) thread: u32) {
  let length = digits * list.blocks;
  let share = (length + threads - 1u) / threads;
  let first = min(thread * share, length);
  let end = min(first + share, length);
  var sum = 0u;
  for (var at = first; at < end; at++) {
    sum += histogram[at];
  }
  var place = sumBefore(thread, sum);
  for (var at = first; at < end; at++) {
    let count = histogram[at];
    histogram[at] = place;
    place += count;
  }
}

// For each pair of digits a row with a column a thread, 16 bits a digit; a block has too few entries to overflow them.
var<workgroup> ranks: array<u32, digits / 2u * threads>;
const segmentLength = digits / 2u;
const segmentsInRow = threads / segmentLength;
var<workgroup> segments: array<u32, threads>;

fn halfOf(digit: u32) -> u32 {
  return (digit & 1u) * 16u;
}

@compute @workgroup_size(threads)
fn moveEntries(
  @builtin(workgroup_id) block: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  for (var pair = 0u; pair < digits / 2u; pair++) {
    ranks[pair * threads + thread] = 0u;
  }
  // A thread's entries lie together, and threads follow one another: that keeps the order.
  let first = block.x * perBlock + thread * perThread;
  let end = min(first + perThread, list.count);
  for (var at = first; at < end; at++) {
    let digit = digitOf(keysFrom[at]);
    ranks[digit / 2u * threads + thread] += 1u << halfOf(digit);
  }
  workgroupBarrier();

  // Counts to sums of those before in the row: within segments, then over them.
  let segment = thread * segmentLength;
  var sum = 0u;
  for (var n = 0u; n < segmentLength; n++) {
    let count = ranks[segment + n];
    ranks[segment + n] = sum;
    sum += count;
  }
  segments[thread] = sum;
  workgroupBarrier();
  var before = 0u;
  for (var other = thread / segmentsInRow * segmentsInRow; other < thread; other++) {
    before += segments[other];
  }
  for (var n = 0u; n < segmentLength; n++) {
    ranks[segment + n] += before;
  }
  workgroupBarrier();

  for (var at = first; at < end; at++) {
    let key = keysFrom[at];
    let digit = digitOf(key);
    let slot = digit / 2u * threads + thread;
    let rank = (ranks[slot] >> halfOf(digit)) & 0xffffu;
    ranks[slot] += 1u << halfOf(digit);
    let to = histogram[digit * list.blocks + block.x] + rank;
    keysTo[to] = key;
    valuesTo[to] = valuesFrom[at];
  }
}
