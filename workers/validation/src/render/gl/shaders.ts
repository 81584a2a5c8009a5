/**
 * The rasteriser's steps in GLSL ES 3.00, with the constants of the CPU one. A splat is a box of whole pixels around
 * all that it reaches; what it gives to a pixel is computed from the pixel's place, so nothing is interpolated.
 */
import { blurVariance, leastAlpha, mostAlpha, shC0, shC1, shC2, shC3 } from "../constants.ts";
import { headTexels } from "./texels.ts";

/** Sums of half floats stay finite up to 65504; colours beyond this are white to any eye. */
const brightest = 1000;

/** What blending takes as 0: the middle of the range, around which half floats are finest. */
export const sumOrigin = 0.5;

const f = (value: number): string => value.toExponential(12);

export const splatVertex = `
precision highp float;
precision highp int;
in vec3 position;
in float splat;
uniform highp sampler2D splats;
uniform int perSplat;
uniform int perRow;
uniform int shDegree;
uniform bool isUnclamped;
uniform vec3 right;
uniform vec3 down;
uniform vec3 forward;
uniform vec3 eye;
uniform float focal;
uniform float centre;
uniform float jacobianLimit;
uniform float size;
flat out vec2 middle;
flat out vec4 conicAndOpacity;
flat out vec3 colour;

ivec2 start;
vec4 texel(int k) { return texelFetch(splats, start + ivec2(k, 0), 0); }
vec3 sh(int k) { return texel(${headTexels} + k).rgb; }

vec3 colourFrom(vec3 d) {
  vec3 sum = 0.5 + ${f(shC0)} * sh(0);
  if (shDegree < 1) return sum;
  sum += ${f(shC1)} * (-d.y * sh(1) + d.z * sh(2) - d.x * sh(3));
  if (shDegree < 2) return sum;
  float xx = d.x * d.x, yy = d.y * d.y, zz = d.z * d.z;
  sum += ${f(shC2[0])} * d.x * d.y * sh(4) + ${f(shC2[1])} * d.y * d.z * sh(5)
    + ${f(shC2[2])} * (2.0 * zz - xx - yy) * sh(6) + ${f(shC2[3])} * d.x * d.z * sh(7)
    + ${f(shC2[4])} * (xx - yy) * sh(8);
  if (shDegree < 3) return sum;
  return sum + ${f(shC3[0])} * d.y * (3.0 * xx - yy) * sh(9) + ${f(shC3[1])} * d.x * d.y * d.z * sh(10)
    + ${f(shC3[2])} * d.y * (4.0 * zz - xx - yy) * sh(11)
    + ${f(shC3[3])} * d.z * (2.0 * zz - 3.0 * xx - 3.0 * yy) * sh(12)
    + ${f(shC3[4])} * d.x * (4.0 * zz - xx - yy) * sh(13) + ${f(shC3[5])} * d.z * (xx - yy) * sh(14)
    + ${f(shC3[6])} * d.x * (xx - 3.0 * yy) * sh(15);
}

void main() {
  gl_Position = vec4(2.0, 2.0, 2.0, 1.0); // outside: not drawn
  int i = int(splat);
  start = ivec2((i % perRow) * perSplat, i / perRow);
  vec4 place = texel(0);
  vec3 p = place.xyz - eye;
  vec3 c = vec3(dot(right, p), dot(down, p), dot(forward, p));
  float opacity = place.w;
  if (!(opacity >= ${f(leastAlpha)})) return;

  vec4 upper = texel(1);
  vec4 lower = texel(2);
  mat3 covariance = mat3(upper.xyz, vec3(upper.y, upper.w, lower.x), vec3(upper.z, lower.xy));
  vec2 slope = clamp(c.xy / c.z, -jacobianLimit, jacobianLimit);
  vec3 ju = focal / c.z * (right - slope.x * forward);
  vec3 jv = focal / c.z * (down - slope.y * forward);
  vec3 su = covariance * ju;
  float uu = dot(ju, su) + ${f(blurVariance)};
  float uv = dot(jv, su);
  float vv = dot(jv, covariance * jv) + ${f(blurVariance)};
  float determinant = uu * vv - uv * uv;
  if (!(determinant > 0.0 && determinant < 1e38)) return;

  middle = focal * c.xy / c.z + centre;
  conicAndOpacity = vec4(vv, -uv, uu, 0.0) / determinant;
  conicAndOpacity.w = opacity;
  colour = colourFrom(normalize(p));
  colour = clamp(colour, isUnclamped ? vec3(${f(-brightest)}) : vec3(0.0), vec3(${f(brightest)}));

  vec2 reach = sqrt(2.0 * log(opacity / ${f(leastAlpha)}) * vec2(uu, vv)) + 0.01;
  vec2 low = floor(clamp(middle - reach, 0.0, size));
  vec2 high = ceil(clamp(middle + reach, 0.0, size));
  // Rows grow downwards in the target too, so that it is read from the top.
  gl_Position = vec4(2.0 * mix(low, high, position.xy) / size - 1.0, 0.0, 1.0);
}
`;

export const splatFragment = `
precision highp float;
flat in vec2 middle;
flat in vec4 conicAndOpacity;
flat in vec3 colour;
out vec4 fragment;

void main() {
  vec2 d = gl_FragCoord.xy - middle;
  vec3 conic = conicAndOpacity.xyz;
  float sigma = 0.5 * (conic.x * d.x * d.x + conic.z * d.y * d.y) + conic.y * d.x * d.y;
  float alpha = min(${f(mostAlpha)}, conicAndOpacity.w * exp(-sigma));
  if (sigma < 0.0 || !(alpha >= ${f(leastAlpha)})) discard;
  fragment = vec4(alpha * (colour - ${f(sumOrigin)}), alpha);
}
`;

export const finishVertex = `
precision highp float;
in vec3 position;
void main() { gl_Position = vec4(position.xy * 2.0 - 1.0, 0.0, 1.0); }
`;

/** To bytes; alpha is 1 where the sum was a number. */
export const finishFragment = `
precision highp float;
uniform highp sampler2D blended;
out vec4 fragment;

void main() {
  vec4 sum = texelFetch(blended, ivec2(gl_FragCoord.xy), 0);
  vec3 seen = clamp(sum.rgb + ${f(sumOrigin)}, 0.0, 1.0);
  bool isNumber = all(lessThan(abs(sum), vec4(1e6)));
  fragment = vec4(floor(seen * 255.0) / 255.0, isNumber ? 1.0 : 0.0);
}
`;
