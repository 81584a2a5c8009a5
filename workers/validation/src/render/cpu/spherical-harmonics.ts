/** Colour of a splat as seen from a direction: real spherical harmonics up to degree 3. */
import type { Scene } from "../scene.ts";

/** Normalisation of the real SH basis, √(…/π) worked out; the signs are those of the splatting papers' code. */
const sh0 = 0.28209479177387814;
const sh1 = 0.4886025119029199;
const sh2 = [
  1.0925484305920792, -1.0925484305920792, 0.31539156525252005, -1.0925484305920792,
  0.5462742152960396,
] as const;
const sh3 = [
  -0.5900435899266435, 2.890611442640554, -0.4570457994644658, 0.3731763325901154,
  -0.4570457994644658, 1.445305721320277, -0.5900435899266435,
] as const;

const basis = new Float64Array(16);

/**
 * Writes r, g, b of splat `i` (0.5 added, clamped at 0 from below) to `out` at `at`.
 * (dx, dy, dz) points from the eye to the splat, of any length.
 */
export function writeColour(
  scene: Scene,
  i: number,
  dx: number,
  dy: number,
  dz: number,
  out: Float32Array,
  at: number,
): void {
  const count = (scene.shDegree + 1) ** 2;
  if (count > 1) fillBasis(scene.shDegree, dx, dy, dz);
  const { sh } = scene;
  const start = i * count * 3;
  for (let channel = 0; channel < 3; channel++) {
    let value = 0.5 + sh0 * (sh[start + channel] ?? 0);
    for (let k = 1; k < count; k++) {
      value += (basis[k] ?? 0) * (sh[start + k * 3 + channel] ?? 0);
    }
    out[at + channel] = Math.max(0, value);
  }
}

function fillBasis(degree: number, dx: number, dy: number, dz: number): void {
  const length = Math.hypot(dx, dy, dz);
  const x = dx / length;
  const y = dy / length;
  const z = dz / length;
  basis[1] = -sh1 * y;
  basis[2] = sh1 * z;
  basis[3] = -sh1 * x;
  if (degree < 2) return;
  const xx = x * x;
  const yy = y * y;
  const zz = z * z;
  basis[4] = sh2[0] * x * y;
  basis[5] = sh2[1] * y * z;
  basis[6] = sh2[2] * (2 * zz - xx - yy);
  basis[7] = sh2[3] * x * z;
  basis[8] = sh2[4] * (xx - yy);
  if (degree < 3) return;
  basis[9] = sh3[0] * y * (3 * xx - yy);
  basis[10] = sh3[1] * x * y * z;
  basis[11] = sh3[2] * y * (4 * zz - xx - yy);
  basis[12] = sh3[3] * z * (2 * zz - 3 * xx - 3 * yy);
  basis[13] = sh3[4] * x * (4 * zz - xx - yy);
  basis[14] = sh3[5] * z * (xx - yy);
  basis[15] = sh3[6] * x * (xx - 3 * yy);
}
