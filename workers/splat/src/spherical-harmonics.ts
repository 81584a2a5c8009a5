/**
 * Colour of a splat from a direction: the real spherical harmonics of degree 0 to 3 with the signs of the 3D
 * Gaussian splatting papers' code. The constants are the usual normalisation factors, such as √(3/4π) for band 1.
 */
import { shC0 } from "./splat.ts";

export const shC1 = 0.4886025119029199;
export const shC2 = [
  1.0925484305920792, -1.0925484305920792, 0.31539156525252005, -1.0925484305920792,
  0.5462742152960396,
] as const;
export const shC3 = [
  -0.5900435899266435, 2.890611442640554, -0.4570457994644658, 0.3731763325901154,
  -0.4570457994644658, 1.445305721320277, -0.5900435899266435,
] as const;

/**
 * Writes the values of the basis functions, (degree + 1)² of them, for a direction of length 1.
 * Colour = 0.5 + Σ basis × coefficient, clamped at 0 from below.
 */
export function writeShBasis(
  basis: Float64Array,
  degree: number,
  x: number,
  y: number,
  z: number,
): void {
  basis[0] = shC0;
  if (degree < 1) {
    return;
  }
  basis[1] = -shC1 * y;
  basis[2] = shC1 * z;
  basis[3] = -shC1 * x;
  if (degree < 2) {
    return;
  }
  const xx = x * x;
  const yy = y * y;
  const zz = z * z;
  basis[4] = shC2[0] * x * y;
  basis[5] = shC2[1] * y * z;
  basis[6] = shC2[2] * (2 * zz - xx - yy);
  basis[7] = shC2[3] * x * z;
  basis[8] = shC2[4] * (xx - yy);
  if (degree < 3) {
    return;
  }
  basis[9] = shC3[0] * y * (3 * xx - yy);
  basis[10] = shC3[1] * x * y * z;
  basis[11] = shC3[2] * y * (4 * zz - xx - yy);
  basis[12] = shC3[3] * z * (2 * zz - 3 * xx - 3 * yy);
  basis[13] = shC3[4] * x * (4 * zz - xx - yy);
  basis[14] = shC3[5] * z * (xx - yy);
  basis[15] = shC3[6] * x * (xx - 3 * yy);
}
