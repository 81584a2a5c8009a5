/** Boxes, prisms, and shapes cut from an outline. */
import { cos, length3, sin } from "../maths.ts";
import { polylineOf } from "./curve.ts";
import { type Outline, outlineOf } from "./outline.ts";
import { patch } from "./patch.ts";
import { join, type Surface } from "./surface.ts";

type Point3 = readonly [number, number, number];
const allSharp = [true, true, true, true] as const;

/** A flat four-sided piece; from `a` to `b` × from `a` to `d` points outwards. */
export function quad(a: Point3, b: Point3, c: Point3, d: Point3): Surface {
  return patch(
    (u, v, out) => {
      for (let axis = 0; axis < 3; axis++) {
        const low = (a[axis] ?? 0) + ((d[axis] ?? 0) - (a[axis] ?? 0)) * v;
        const high = (b[axis] ?? 0) + ((c[axis] ?? 0) - (b[axis] ?? 0)) * v;
        out[axis] = low + (high - low) * u;
      }
    },
    { sharp: allSharp },
  );
}

/** Around the origin; edges rounded by `round`. */
export function box(width: number, height: number, depth: number, round = 0): Surface {
  const half = [width / 2, height / 2, depth / 2] as const;
  const faces: Surface[] = [];
  for (const axis of [0, 1, 2] as const) {
    for (const sign of [1, -1] as const) {
      const p = ((axis + 1) % 3) as 0 | 1 | 2; // axes are 0, 1, 2
      const q = ((axis + 2) % 3) as 0 | 1 | 2;
      faces.push(
        patch(
          (u, v, out) => {
            out[axis] = sign * half[axis];
            out[p] = (2 * u - 1) * half[p];
            out[q] = sign * (2 * v - 1) * half[q];
            if (round > 0) {
              roundOff(out, half, round);
            }
          },
          { sharp: round > 0 ? [false, false, false, false] : allSharp },
        ),
      );
    }
  }
  return join(...faces);
}

/** Pulls a point of a box's surface in to the same box with round edges. */
function roundOff(out: Float64Array, half: Point3, round: number): void {
  const core: number[] = [0, 0, 0];
  let length = 0;
  for (let axis = 0; axis < 3; axis++) {
    const limit = (half[axis] ?? 0) - round;
    core[axis] = Math.min(Math.max(out[axis] ?? 0, -limit), limit);
    length += ((out[axis] ?? 0) - (core[axis] ?? 0)) ** 2;
  }
  const factor = round / (Math.sqrt(length) || 1);
  for (let axis = 0; axis < 3; axis++) {
    out[axis] = (core[axis] ?? 0) + ((out[axis] ?? 0) - (core[axis] ?? 0)) * factor;
  }
}

/** A profile (see `lathe`) with `sides` flat sides instead of a round one; the radius is that of the corners. */
export function prism(profile: readonly (readonly [number, number])[], sides: number): Surface {
  const pieces: Surface[] = [];
  const corner = (k: number): readonly [number, number] => {
    const angle = ((k + 0.5) / sides) * 2 * Math.PI;
    return [sin(angle), cos(angle)];
  };
  for (let i = 0; i + 1 < profile.length; i++) {
    const [r0, y0] = profile[i] ?? [0, 0];
    const [r1, y1] = profile[i + 1] ?? [0, 0];
    for (let k = 0; k < sides; k++) {
      const [ax, az] = corner(k + 1);
      const [bx, bz] = corner(k);
      pieces.push(
        quad(
          [ax * r0, y0, az * r0],
          [ax * r1, y1, az * r1],
          [bx * r1, y1, bz * r1],
          [bx * r0, y0, bz * r0],
        ),
      );
    }
  }
  return join(...pieces);
}

/** An outline (counter-clockwise in x, y) with straight sides and a depth along z, around z = 0. */
export function extrude(points: Outline, depth: number): Surface {
  return cutOut(points, depth);
}

/** As `extrude`, with a smooth outline through the points. */
export function extrudeSmooth(points: Outline, depth: number): Surface {
  return cutOut(polylineOf(points, true, 6), depth);
}

function cutOut(points: Outline, depth: number): Surface {
  const outline = outlineOf(points);
  const h = depth / 2;
  const walls = points.map((a, i) => {
    const b = points[(i + 1) % points.length] ?? a;
    return quad([a[0], a[1], -h], [b[0], b[1], -h], [b[0], b[1], h], [a[0], a[1], h]);
  });
  return join(...walls, {
    sample(spacing, emit) {
      outline.fill(spacing, (x, y, ux, uy, vx, vy) => {
        emit(x, y, h, ux, uy, 0, vx, vy, 0);
        emit(x, y, -h, vx, vy, 0, ux, uy, 0);
      });
    },
  });
}

/**
 * A cushion: a smooth outline, round towards its border, `thickness` thick in the middle.
 * @param rim how far from the border it is still round
 */
export function cushion(points: Outline, thickness: number, rim: number, isSmooth = true): Surface {
  const border = isSmooth ? polylineOf(points, true, 6) : points;
  const outline = outlineOf(border);
  const reach = Math.min(rim, outline.inradius);
  const heightAt = (d: number): number => {
    const w = 1 - Math.min(d / reach, 1);
    return (thickness / 2) * Math.sqrt(Math.max(0, 1 - w * w));
  };
  return {
    sample(spacing, emit) {
      const dent = spacing * 0.5;
      outline.grid(spacing, dent, (x, y, d, gx, gy) => {
        const z = heightAt(d);
        const slope =
          (heightAt(d + spacing / 4) - heightAt(Math.max(0, d - spacing / 4))) /
          (d < spacing / 4 ? d + spacing / 4 : spacing / 2);
        // Along the border, and up the slope away from it.
        const rise = spacing * slope;
        emit(x, y, z, gy * spacing, -gx * spacing, 0, gx * spacing, gy * spacing, rise);
        emit(x, y, -z, gx * spacing, gy * spacing, -rise, gy * spacing, -gx * spacing, 0);
      });
      const rimHeight = 2 * heightAt(dent);
      outline.border(spacing, spacing * 0.12, (x, y, tx, ty) => {
        emit(x, y, 0, tx, ty, 0, 0, 0, rimHeight);
        // Two more rows close the gap to the grid.
        const l = length3(tx, ty, 0) || 1;
        const [nx, ny] = [-ty / l, tx / l];
        const z = heightAt(dent * 0.6);
        emit(x + nx * dent * 0.5, y + ny * dent * 0.5, z, tx, ty, 0, nx * dent, ny * dent, z);
        emit(x + nx * dent * 0.5, y + ny * dent * 0.5, -z, nx * dent, ny * dent, -z, tx, ty, 0);
      });
    },
  };
}
