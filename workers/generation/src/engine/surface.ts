/** Points on the surfaces of the primitives, uniform by area. All fit a box of edge 1.2 around the origin; y is up. */
import type { Shape } from "../grammar/index.ts";

export interface SurfacePoint {
  readonly position: readonly [number, number, number];
  /** Outwards, of length 1. */
  readonly normal: readonly [number, number, number];
}

/** @param random uniform in [0, 1) */
export type Sample = (random: () => number) => SurfacePoint;

const half = 0.6;
const radius = 0.6;

export const surfaces: Readonly<Record<Shape, { readonly area: number; readonly sample: Sample }>> =
  {
    cube: { area: 6 * (2 * half) ** 2, sample: cube },
    sphere: { area: 4 * Math.PI * radius ** 2, sample: sphere },
    cylinder: { area: 2 * Math.PI * 0.45 * (1.2 + 0.45), sample: cylinder },
    cone: { area: Math.PI * radius * (radius + Math.hypot(radius, 1.2)), sample: cone },
    pyramid: { area: 1.2 ** 2 + 2 * 1.2 * Math.hypot(1.2, 0.6), sample: pyramid },
    torus: { area: 4 * Math.PI ** 2 * 0.42 * 0.18, sample: torus },
  };

function cube(random: () => number): SurfacePoint {
  const face = Math.floor(random() * 6);
  const axis = face >> 1;
  const sign = face & 1 ? 1 : -1;
  const position: [number, number, number] = [0, 0, 0];
  const normal: [number, number, number] = [0, 0, 0];
  position[axis] = sign * half;
  position[(axis + 1) % 3] = (random() * 2 - 1) * half;
  position[(axis + 2) % 3] = (random() * 2 - 1) * half;
  normal[axis] = sign;
  return { position, normal };
}

function sphere(random: () => number): SurfacePoint {
  const y = random() * 2 - 1;
  const angle = random() * 2 * Math.PI;
  const ring = Math.sqrt(1 - y * y);
  const normal = [ring * Math.cos(angle), y, ring * Math.sin(angle)] as const;
  return { position: [normal[0] * radius, normal[1] * radius, normal[2] * radius], normal };
}

function cylinder(random: () => number): SurfacePoint {
  const r = 0.45;
  const angle = random() * 2 * Math.PI;
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  // Side and caps have areas in the ratio height to radius.
  if (random() * (1.2 + r) < 1.2) {
    return { position: [r * c, (random() - 0.5) * 1.2, r * s], normal: [c, 0, s] };
  }
  const sign = random() < 0.5 ? -1 : 1;
  const at = r * Math.sqrt(random());
  return { position: [at * c, sign * 0.6, at * s], normal: [0, sign, 0] };
}

function cone(random: () => number): SurfacePoint {
  const slant = Math.hypot(radius, 1.2);
  const angle = random() * 2 * Math.PI;
  const c = Math.cos(angle);
  const s = Math.sin(angle);
  const at = Math.sqrt(random());
  if (random() * (radius + slant) < radius) {
    return { position: [radius * at * c, -0.6, radius * at * s], normal: [0, -1, 0] };
  }
  return {
    position: [radius * at * c, 0.6 - 1.2 * at, radius * at * s],
    normal: [(1.2 / slant) * c, radius / slant, (1.2 / slant) * s],
  };
}

function pyramid(random: () => number): SurfacePoint {
  const slant = Math.hypot(1.2, 0.6);
  if (random() * (1.2 + 2 * slant) < 1.2) {
    return { position: [(random() - 0.5) * 1.2, -0.6, (random() - 0.5) * 1.2], normal: [0, -1, 0] };
  }
  // A triangle from the apex to one edge of the base, then turned to one of four sides.
  const down = Math.sqrt(random());
  const along = (random() - 0.5) * 1.2 * down;
  const out = 0.6 * down;
  const y = 0.6 - 1.2 * down;
  const n = [1.2 / slant, 0.6 / slant] as const;
  switch (Math.floor(random() * 4)) {
    case 0:
      return { position: [along, y, out], normal: [0, n[1], n[0]] };
    case 1:
      return { position: [along, y, -out], normal: [0, n[1], -n[0]] };
    case 2:
      return { position: [out, y, along], normal: [n[0], n[1], 0] };
    default:
      return { position: [-out, y, along], normal: [-n[0], n[1], 0] };
  }
}

function torus(random: () => number): SurfacePoint {
  const ring = 0.42;
  const tube = 0.18;
  const around = random() * 2 * Math.PI;
  // The outer half has more area than the inner one: draw until accepted.
  let across = random() * 2 * Math.PI;
  while (random() * (ring + tube) > ring + tube * Math.cos(across)) across = random() * 2 * Math.PI;
  const out = ring + tube * Math.cos(across);
  const c = Math.cos(around);
  const s = Math.sin(around);
  return {
    position: [out * c, out * s, tube * Math.sin(across)],
    normal: [Math.cos(across) * c, Math.cos(across) * s, Math.sin(across)],
  };
}
