// Steps 5 and 6: a workgroup a tile, a thread a pixel. Splats are fetched together, near to far, and each thread blends
// those that its pixel sees. The tile ends when all its pixels are finished.

@group(0) @binding(0) var<uniform> view: View;
@group(0) @binding(1) var<storage, read> projected: array<Projected>;
@group(0) @binding(2) var<storage, read> ranges: array<vec2u>;
@group(0) @binding(3) var<storage, read> pairSplats: array<u32>;
@group(0) @binding(4) var<storage, read_write> list: List;
// A pixel in each: red, green and blue from the lowest byte up, and 255 where there is a number.
@group(0) @binding(5) var<storage, read_write> picture: array<u32>;

var<workgroup> near: array<Projected, threads>;
var<workgroup> finished: atomic<u32>;
var<workgroup> evaluations: atomic<u32>;

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

  if (thread == 0u) {
    atomicStore(&finished, 0u);
    atomicStore(&evaluations, 0u);
  }
  workgroupBarrier();
  var sum = vec3f(0.0);
  var transmittance = 1.0;
  var isFinished = !isInside;
  var looked = 0u;
  if (isFinished) {
    atomicAdd(&finished, 1u);
  }
  for (var start = range.x; start < range.y; start += threads) {
    if (workgroupUniformLoad(&finished) == threads) {
      break;
    }
    let count = min(threads, range.y - start);
    if (thread < count) {
      near[thread] = projected[pairSplats[start + thread]];
    }
    workgroupBarrier();
    for (var n = 0u; n < count && !isFinished; n++) {
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
