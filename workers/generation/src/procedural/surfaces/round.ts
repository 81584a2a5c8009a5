/** Surfaces of revolution and tubes. */
import { cos, length3, sin } from "../maths.ts";
import { curvePoint } from "./curve.ts";
import { patch } from "./patch.ts";
import { join, type Surface } from "./surface.ts";

export type Profile = readonly (readonly [radius: number, y: number])[];

const fullTurn = 2 * Math.PI;

/** An ellipsoid by its half axes. */
export function ellipsoid(rx: number, ry = rx, rz = rx): Surface {
  return patch(
    (u, v, out) => {
      const latitude = (u - 0.5) * Math.PI;
      const ring = cos(latitude);
      out[0] = rx * ring * cos(v * fullTurn);
      out[1] = ry * sin(latitude);
      out[2] = rz * ring * sin(v * fullTurn);
    },
    { ring: true },
  );
}

/**
 * A profile turned about the y axis. It runs along the outside from the bottom to the top (and down again on the
 * inside of a vessel). Straight pieces with sharp edges, where they bend by more than 25°.
 */
export function lathe(profile: Profile): Surface {
  const isSharp = (i: number): boolean => {
    const a = profile[i - 1];
    const b = profile[i];
    const c = profile[i + 1];
    if (b === undefined || b[0] < 1e-6) {
      return false;
    }
    if (a === undefined || c === undefined) {
      return true;
    }
    const [px, py, qx, qy] = [b[0] - a[0], b[1] - a[1], c[0] - b[0], c[1] - b[1]];
    const cosine = (px * qx + py * qy) / (length3(px, py, 0) * length3(qx, qy, 0));
    return cosine < 0.906; // cos 25°
  };
  const bands: Surface[] = [];
  for (let i = 0; i + 1 < profile.length; i++) {
    const [r0, y0] = profile[i] ?? [0, 0];
    const [r1, y1] = profile[i + 1] ?? [0, 0];
    bands.push(
      patch(
        (u, v, out) => {
          const r = r0 + (r1 - r0) * u;
          out[0] = r * cos(v * fullTurn);
          out[1] = y0 + (y1 - y0) * u;
          out[2] = r * sin(v * fullTurn);
        },
        { ring: true, sharp: [isSharp(i), isSharp(i + 1), false, false] },
      ),
    );
  }
  return join(...bands);
}

/** As `lathe`, with a smooth curve through the profile's points. */
export function vase(profile: Profile): Surface {
  const at = new Float64Array(2);
  return patch(
    (u, v, out) => {
      curvePoint(profile, false, u, at);
      const r = Math.max(0, at[0] ?? 0);
      out[0] = r * cos(v * fullTurn);
      out[1] = at[1] ?? 0;
      out[2] = r * sin(v * fullTurn);
    },
    { ring: true },
  );
}

/** Upright, around the origin. */
export function cylinder(radius: number, height: number, topRadius = radius): Surface {
  const h = height / 2;
  const profile: [number, number][] = [
    [0, -h],
    [radius, -h],
    [topRadius, h],
  ];
  if (topRadius > 0) {
    profile.push([0, h]);
  }
  return lathe(profile);
}

/** Point up, around the origin. */
export function cone(radius: number, height: number): Surface {
  return cylinder(radius, height, 0);
}

/** Lying flat: its axis is y. */
export function torus(ring: number, tubeRadius: number): Surface {
  return patch(
    (u, v, out) => {
      const out2 = ring + tubeRadius * cos(u * fullTurn);
      out[0] = out2 * cos(v * fullTurn);
      out[1] = tubeRadius * sin(u * fullTurn);
      out[2] = out2 * sin(v * fullTurn);
    },
    { ring: true },
  );
}

export interface TubeOptions {
  /** At each point of the path, or one for all. */
  readonly radius: number | readonly number[];
  readonly closed?: boolean;
}

/** Steps that a tube's frames are carried along its path in. */
const frameSteps = 96;

/** A round tube along a smooth path, with round ends. */
export function tube(
  path: readonly (readonly [number, number, number])[],
  { radius, closed = false }: TubeOptions,
): Surface {
  const radii = typeof radius === "number" ? path.map(() => radius) : radius;
  const points = path.map(([x, y, z], i) => [x, y, z, radii[i] ?? radii[radii.length - 1] ?? 0]);
  const frames = carryFrames(points, closed);
  const at = new Float64Array(4);
  const wall = patch(
    (u, v, out) => {
      curvePoint(points, closed, u, at);
      const f = Math.min(Math.max(u, 0), 1) * frameSteps;
      const low = Math.min(Math.floor(f), frameSteps - 1);
      const t = f - low;
      const c = (at[3] ?? 0) * cos(v * fullTurn);
      const s = -(at[3] ?? 0) * sin(v * fullTurn);
      for (let axis = 0; axis < 3; axis++) {
        const n = lerpFrame(frames, low, t, axis);
        const b = lerpFrame(frames, low, t, axis + 3);
        out[axis] = (at[axis] ?? 0) + c * n + s * b;
      }
    },
    { ring: true },
  );
  if (closed) {
    return wall;
  }
  const ends = [points[0], points[points.length - 1]].map((p = []) => {
    const ball = ellipsoid(p[3] ?? 0);
    const [x = 0, y = 0, z = 0] = p;
    const moved: Surface = {
      sample: (spacing, emit) =>
        ball.sample(spacing, (px, py, pz, ...directions) =>
          emit(px + x, py + y, pz + z, ...directions),
        ),
    };
    return moved;
  });
  return join(wall, ...ends);
}

function lerpFrame(frames: Float64Array, low: number, t: number, column: number): number {
  const a = frames[low * 6 + column] ?? 0;
  return a + ((frames[low * 6 + 6 + column] ?? 0) - a) * t;
}

/** Normal and binormal along the path, carried without twist (projection of the one before). */
function carryFrames(points: readonly (readonly number[])[], closed: boolean): Float64Array {
  const frames = new Float64Array((frameSteps + 1) * 6);
  const a = new Float64Array(3);
  const b = new Float64Array(3);
  let n: [number, number, number] = [0, 0, 0];
  for (let i = 0; i <= frameSteps; i++) {
    const t = i / frameSteps;
    curvePoint(points, closed, Math.max(0, t - 0.002), a);
    curvePoint(points, closed, Math.min(1, t + 0.002), b);
    let tx = (b[0] ?? 0) - (a[0] ?? 0);
    let ty = (b[1] ?? 0) - (a[1] ?? 0);
    let tz = (b[2] ?? 0) - (a[2] ?? 0);
    const tl = length3(tx, ty, tz) || 1;
    tx /= tl;
    ty /= tl;
    tz /= tl;
    // Paths mostly lie in the plane z = 0, where z never runs along them.
    if (i === 0) {
      n = Math.abs(tz) < 0.8 ? [0, 0, 1] : [1, 0, 0];
    }
    const d = n[0] * tx + n[1] * ty + n[2] * tz;
    n = [n[0] - d * tx, n[1] - d * ty, n[2] - d * tz];
    const nl = length3(...n) || 1;
    n = [n[0] / nl, n[1] / nl, n[2] / nl];
    frames.set(n, i * 6);
    frames.set([ty * n[2] - tz * n[1], tz * n[0] - tx * n[2], tx * n[1] - ty * n[0]], i * 6 + 3);
  }
  return frames;
}
