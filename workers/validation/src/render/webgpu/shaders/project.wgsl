// Steps 1 to 3 of the rasteriser: into camera space, covariance to the picture, reach; and colour from harmonics.
// One thread a splat. Depths are the keys of the sort that follows: positive floats keep their order as bits, of which
// those that all depths of the scene share are left out.

@group(0) @binding(0) var<uniform> view: View;
// Three a splat: (x, y, z, opacity), (xx, xy, xz, yy) and (yz, zz, 0, 0) of the covariance.
@group(0) @binding(1) var<storage, read> splats: array<vec4f>;
@group(0) @binding(2) var<storage, read> harmonics: array<f32>;
@group(0) @binding(3) var<storage, read_write> projected: array<Projected>;
@group(0) @binding(4) var<storage, read_write> extents: array<Extent>;
@group(0) @binding(5) var<storage, read_write> depths: array<u32>;
@group(0) @binding(6) var<storage, read_write> order: array<u32>;

// Beyond it a determinant is as good as infinite.
const mostDeterminant = 1e38;
const log2e = 1.4426950408889634;

fn sh(splat: u32, k: u32) -> vec3f {
  let degree = view.shDegree + 1u;
  let at = (splat * degree * degree + k) * 3u;
  let value = vec3f(harmonics[at], harmonics[at + 1u], harmonics[at + 2u]);
  return clamp(value, vec3f(-mostColour), vec3f(mostColour));
}

fn colourFrom(i: u32, d: vec3f) -> vec3f {
  var sum = 0.5 + shC0 * sh(i, 0u);
  if (view.shDegree < 1u) {
    return sum;
  }
  sum += shC1 * (-d.y * sh(i, 1u) + d.z * sh(i, 2u) - d.x * sh(i, 3u));
  if (view.shDegree < 2u) {
    return sum;
  }
  let xx = d.x * d.x;
  let yy = d.y * d.y;
  let zz = d.z * d.z;
  sum += shC2_0 * d.x * d.y * sh(i, 4u);
  sum += shC2_1 * d.y * d.z * sh(i, 5u);
  sum += shC2_2 * (2.0 * zz - xx - yy) * sh(i, 6u);
  sum += shC2_3 * d.x * d.z * sh(i, 7u);
  sum += shC2_4 * (xx - yy) * sh(i, 8u);
  if (view.shDegree < 3u) {
    return sum;
  }
  sum += shC3_0 * d.y * (3.0 * xx - yy) * sh(i, 9u);
  sum += shC3_1 * d.x * d.y * d.z * sh(i, 10u);
  sum += shC3_2 * d.y * (4.0 * zz - xx - yy) * sh(i, 11u);
  sum += shC3_3 * d.z * (2.0 * zz - 3.0 * xx - 3.0 * yy) * sh(i, 12u);
  sum += shC3_4 * d.x * (4.0 * zz - xx - yy) * sh(i, 13u);
  sum += shC3_5 * d.z * (xx - yy) * sh(i, 14u);
  sum += shC3_6 * d.x * (xx - 3.0 * yy) * sh(i, 15u);
  return sum;
}

@compute @workgroup_size(threads)
fn project(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  if (i >= view.count) {
    return;
  }
  order[i] = i;
  // Not drawn, until more is known: in no tile, so that its depth is all the same.
  depths[i] = 0u;
  extents[i] = Extent(0u, 0u);

  let head = splats[i * 3u];
  let opacity = head.w;
  if (!(opacity >= leastAlpha)) {
    return;
  }
  let p = head.xyz - view.eye;
  let c = vec3f(dot(view.right, p), dot(view.down, p), dot(view.forward, p));
  if (!(c.z > nearPlane)) {
    return;
  }

  let upper = splats[i * 3u + 1u];
  let lower = splats[i * 3u + 2u];
  let covariance = mat3x3f(
    upper.xyz,
    vec3f(upper.y, upper.w, lower.x),
    vec3f(upper.z, lower.x, lower.y),
  );
  let slope = clamp(c.xy / c.z, vec2f(-view.jacobianLimit), vec2f(view.jacobianLimit));
  // Rows of the Jacobian times the rotation.
  let ju = view.focal / c.z * (view.right - slope.x * view.forward);
  let jv = view.focal / c.z * (view.down - slope.y * view.forward);
  let su = covariance * ju;
  let uu = dot(ju, su) + blurVariance;
  let uv = dot(jv, su);
  let vv = dot(jv, covariance * jv) + blurVariance;
  let determinant = uu * vv - uv * uv;
  if (!(determinant > 0.0 && determinant < mostDeterminant)) {
    return;
  }

  let middle = view.focal * c.xy / c.z + view.centre;
  // α falls to 1/255 at so many standard deviations; a hundredth of a pixel is for rounding.
  let reach = sqrt(2.0 * log(opacity / leastAlpha) * vec2f(uu, vv)) + 0.01;
  let tiles = vec2f(f32(view.tilesAcross));
  let low = vec2u(clamp(floor((middle - reach) / f32(tileSize)), vec2f(0.0), tiles));
  let high = vec2u(clamp(ceil((middle + reach) / f32(tileSize)), vec2f(0.0), tiles));
  let firstRow = clamp(low.y, view.firstRow, view.endRow);
  let endRow = clamp(high.y, view.firstRow, view.endRow);
  if (low.x >= high.x || firstRow >= endRow) {
    return;
  }

  let colour = colourFrom(i, normalize(p));
  let darkest = select(0.0, -mostColour, view.isUnclamped != 0u);
  projected[i].place = vec4f(middle, log2(opacity), reach.x);
  projected[i].conic = vec4f(vec3f(0.5 * vv, -uv, 0.5 * uu) * (log2e / determinant), reach.y);
  projected[i].colour = vec4f(clamp(colour, vec3f(darkest), vec3f(mostColour)), 0.0);
  extents[i] = Extent(low.x | (high.x << 16u), firstRow | (endRow << 16u));
  depths[i] = max(bitcast<u32>(c.z), view.leastDepth) - view.leastDepth;
}
