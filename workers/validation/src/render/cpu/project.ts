/** Splats as a camera sees them: centre, conic, reach and colour in pixels. */

import { writeShBasis } from "@turntable/splat";
import type { Camera } from "../camera.ts";
import { blurVariance, jacobianLimit, leastAlpha, nearPlane } from "../constants.ts";
import type { Scene } from "../scene.ts";

/** M visible splats in the order of the scene. */
export interface Projected {
  readonly count: number;
  /** Distance along the view direction. */
  readonly depth: Float64Array;
  /** M × (u, v, a, b, c, opacity, reach in x, reach in y, red, green, blue); pixels, see `stride`. */
  readonly values: Float64Array;
}

export const stride = 11;

/** Steps 1 to 3 of the rasteriser: into camera space, covariance to the picture, reach; and colour from SH. */
export function project(scene: Scene, camera: Camera): Projected {
  const depth = new Float64Array(scene.count);
  const values = new Float64Array(scene.count * stride);
  const basis = new Float64Array(16);
  const coefficients = (scene.shDegree + 1) ** 2;
  const [r00, r01, r02, r10, r11, r12, r20, r21, r22] = camera.rotation;
  const [eyeX, eyeY, eyeZ] = camera.eye;
  const limit = jacobianLimit * camera.tanHalfFov;
  const { positions, covariances, opacities, sh } = scene;
  const at9 = (array: Float32Array, i: number): number => array[i] ?? 0;
  let count = 0;
  for (let i = 0; i < scene.count; i++) {
    const opacity = at9(opacities, i);
    if (!(opacity >= leastAlpha)) {
      continue;
    }
    const px = at9(positions, i * 3) - eyeX;
    const py = at9(positions, i * 3 + 1) - eyeY;
    const pz = at9(positions, i * 3 + 2) - eyeZ;
    const z = r20 * px + r21 * py + r22 * pz;
    if (!(z > nearPlane)) {
      continue;
    }
    const x = r00 * px + r01 * py + r02 * pz;
    const y = r10 * px + r11 * py + r12 * pz;

    // Covariance in camera space: W Σ Wᵀ; only what the Jacobian's two rows need.
    const xx = at9(covariances, i * 6);
    const xy = at9(covariances, i * 6 + 1);
    const xz = at9(covariances, i * 6 + 2);
    const yy = at9(covariances, i * 6 + 3);
    const yz = at9(covariances, i * 6 + 4);
    const zz = at9(covariances, i * 6 + 5);
    const jx = camera.focal / z;
    const jxz = (-camera.focal * Math.min(limit, Math.max(-limit, x / z))) / z;
    const jyz = (-camera.focal * Math.min(limit, Math.max(-limit, y / z))) / z;
    // Rows of J·W.
    const ax = jx * r00 + jxz * r20;
    const ay = jx * r01 + jxz * r21;
    const az = jx * r02 + jxz * r22;
    const bx = jx * r10 + jyz * r20;
    const by = jx * r11 + jyz * r21;
    const bz = jx * r12 + jyz * r22;
    const sax = xx * ax + xy * ay + xz * az;
    const say = xy * ax + yy * ay + yz * az;
    const saz = xz * ax + yz * ay + zz * az;
    const varianceX = ax * sax + ay * say + az * saz + blurVariance;
    const covariance = bx * sax + by * say + bz * saz;
    const varianceY =
      bx * (xx * bx + xy * by + xz * bz) +
      by * (xy * bx + yy * by + yz * bz) +
      bz * (xz * bx + yz * by + zz * bz) +
      blurVariance;
    const determinant = varianceX * varianceY - covariance * covariance;
    if (!(determinant > 0) || determinant === Number.POSITIVE_INFINITY) {
      continue;
    }

    // α falls to 1/255 at this many standard deviations.
    const deviations = Math.sqrt(2 * Math.log(opacity / leastAlpha));
    const at = count * stride;
    values[at] = (camera.focal * x) / z + camera.centre;
    values[at + 1] = (camera.focal * y) / z + camera.centre;
    values[at + 2] = varianceY / determinant;
    values[at + 3] = -covariance / determinant;
    values[at + 4] = varianceX / determinant;
    values[at + 5] = opacity;
    values[at + 6] = deviations * Math.sqrt(varianceX);
    values[at + 7] = deviations * Math.sqrt(varianceY);

    const distance = Math.hypot(px, py, pz);
    writeShBasis(basis, scene.shDegree, px / distance, py / distance, pz / distance);
    for (let channel = 0; channel < 3; channel++) {
      let colour = 0.5;
      for (let k = 0; k < coefficients; k++) {
        colour += (basis[k] ?? 0) * at9(sh, (i * coefficients + k) * 3 + channel);
      }
      values[at + 8 + channel] = scene.isUnclamped ? colour : Math.max(0, colour);
    }
    depth[count] = z;
    count += 1;
  }
  return { count, depth, values };
}
