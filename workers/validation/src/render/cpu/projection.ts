/** Steps 1 to 3 of the rasteriser: splats of a scene as ellipses in a picture. */
import type { Camera } from "../camera.ts";
import type { Scene } from "../scene.ts";
import { writeColour } from "./spherical-harmonics.ts";

/** Nearer splats are dropped. Source: gsplat, which the subnet renders with. */
const near = 0.01;
/** Added to both variances of the projected covariance, in pixels². Source: gsplat. */
const blur = 0.3;
/** Least opacity that is drawn. */
export const minAlpha = 1 / 255;
/** The Jacobian is taken at most this many half fields of view off the axis. Source: gsplat, INRIA. */
const jacobianLimit = 1.3;

/** One entry a splat that can be seen, in input order; `count` of each are in use. */
export interface Ellipses {
  count: number;
  /** Camera z. */
  readonly depths: Float32Array;
  /** Centre in pixels. */
  readonly x: Float32Array;
  readonly y: Float32Array;
  /** Inverse of the covariance: σ = ½(a·dx² + c·dy²) + b·dx·dy. */
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly c: Float32Array;
  readonly opacities: Float32Array;
  /** σ from which on α is below 1/255. */
  readonly cutoffs: Float32Array;
  /** Count × (r, g, b) */
  readonly colours: Float32Array;
  /** Pixels that may be touched: first and last column and row, inclusive. */
  readonly bounds: Int32Array;
}

export function createEllipses(capacity: number): Ellipses {
  return {
    count: 0,
    depths: new Float32Array(capacity),
    x: new Float32Array(capacity),
    y: new Float32Array(capacity),
    a: new Float32Array(capacity),
    b: new Float32Array(capacity),
    c: new Float32Array(capacity),
    opacities: new Float32Array(capacity),
    cutoffs: new Float32Array(capacity),
    colours: new Float32Array(capacity * 3),
    bounds: new Int32Array(capacity * 4),
  };
}

/** Fills `out` with the splats that touch the picture. */
export function projectScene(scene: Scene, camera: Camera, out: Ellipses): void {
  const { positions, covariances } = scene;
  const [ex, ey, ez] = camera.eye;
  const { rotation, focal, centre, size } = camera;
  const limit = jacobianLimit * camera.tanHalfFov;
  const [r0, r1, r2, r3, r4, r5, r6, r7, r8] = rotation;
  let n = 0;
  for (let i = 0; i < scene.count; i++) {
    const opacity = scene.opacities[i] ?? 0;
    if (opacity < minAlpha) continue;
    const px = (positions[i * 3] ?? 0) - ex;
    const py = (positions[i * 3 + 1] ?? 0) - ey;
    const pz = (positions[i * 3 + 2] ?? 0) - ez;
    const z = r6 * px + r7 * py + r8 * pz;
    if (z <= near) continue;
    const x = (r0 * px + r1 * py + r2 * pz) / z;
    const y = (r3 * px + r4 * py + r5 * pz) / z;

    // Rows of J·W, with J at the clamped direction.
    const jx = Math.min(limit, Math.max(-limit, x));
    const jy = Math.min(limit, Math.max(-limit, y));
    const scale = focal / z;
    const u0 = scale * (r0 - jx * r6);
    const u1 = scale * (r1 - jx * r7);
    const u2 = scale * (r2 - jx * r8);
    const v0 = scale * (r3 - jy * r6);
    const v1 = scale * (r4 - jy * r7);
    const v2 = scale * (r5 - jy * r8);
    const c0 = covariances[i * 6] ?? 0;
    const c1 = covariances[i * 6 + 1] ?? 0;
    const c2 = covariances[i * 6 + 2] ?? 0;
    const c3 = covariances[i * 6 + 3] ?? 0;
    const c4 = covariances[i * 6 + 4] ?? 0;
    const c5 = covariances[i * 6 + 5] ?? 0;
    const cu0 = c0 * u0 + c1 * u1 + c2 * u2;
    const cu1 = c1 * u0 + c3 * u1 + c4 * u2;
    const cu2 = c2 * u0 + c4 * u1 + c5 * u2;
    const xx = u0 * cu0 + u1 * cu1 + u2 * cu2 + blur;
    const xy = v0 * cu0 + v1 * cu1 + v2 * cu2;
    const yy =
      v0 * (c0 * v0 + c1 * v1 + c2 * v2) +
      v1 * (c1 * v0 + c3 * v1 + c4 * v2) +
      v2 * (c2 * v0 + c4 * v1 + c5 * v2) +
      blur;
    const determinant = xx * yy - xy * xy;
    if (!(determinant > 0)) continue;

    const mx = focal * x + centre;
    const my = focal * y + centre;
    const cutoff = Math.log(255 * opacity);
    const reachX = Math.sqrt(2 * cutoff * xx);
    const reachY = Math.sqrt(2 * cutoff * yy);
    // Pixel centres lie at +0.5.
    const left = Math.max(0, Math.ceil(mx - reachX - 0.5));
    const right = Math.min(size - 1, Math.floor(mx + reachX - 0.5));
    const top = Math.max(0, Math.ceil(my - reachY - 0.5));
    const bottom = Math.min(size - 1, Math.floor(my + reachY - 0.5));
    if (left > right || top > bottom) continue;

    out.depths[n] = z;
    out.x[n] = mx;
    out.y[n] = my;
    out.a[n] = yy / determinant;
    out.b[n] = -xy / determinant;
    out.c[n] = xx / determinant;
    out.opacities[n] = opacity;
    out.cutoffs[n] = cutoff;
    out.bounds[n * 4] = left;
    out.bounds[n * 4 + 1] = right;
    out.bounds[n * 4 + 2] = top;
    out.bounds[n * 4 + 3] = bottom;
    writeColour(scene, i, px, py, pz, out.colours, n * 3);
    n++;
  }
  out.count = n;
}
