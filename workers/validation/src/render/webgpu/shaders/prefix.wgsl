// Sums over the threads of a workgroup.

// Sums stay at the largest number instead of beginning anew.
fn sumOf(a: u32, b: u32) -> u32 {
  return select(a + b, 0xffffffffu, a > 0xffffffffu - b);
}

var<workgroup> partial: array<u32, threads>;

// The sum of the values of all threads before this one. All threads have to call it, and once only.
fn sumBefore(thread: u32, value: u32) -> u32 {
  partial[thread] = value;
  workgroupBarrier();
  for (var distance = 1u; distance < threads; distance *= 2u) {
    var sum = partial[thread];
    if (thread >= distance) {
      sum = sumOf(sum, partial[thread - distance]);
    }
    workgroupBarrier();
    partial[thread] = sum;
    workgroupBarrier();
  }
  return select(0u, partial[max(thread, 1u) - 1u], thread > 0u);
}
