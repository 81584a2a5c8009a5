import { cos, sin } from "./maths.ts";

export type Vec3 = readonly [number, number, number];

/** Three rows of a linear part and an offset: x' = m0·x + m1·y + m2·z + m3, and so on. */
export type Affine = readonly [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

export const identity: Affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0];

/** Where a part goes: scaled, then turned about x, y and z in this order, then moved. */
export interface Placement {
  readonly at?: Vec3;
  /** Degrees. */
  readonly turn?: Vec3;
  /** One factor for all axes: splats keep their spacing. */
  readonly scale?: number;
}

export function placement({ at = [0, 0, 0], turn = [0, 0, 0], scale = 1 }: Placement): Affine {
  const turned = compose(
    turnAbout(2, turn[2]),
    compose(turnAbout(1, turn[1]), turnAbout(0, turn[0])),
  );
  return compose(moving(at), compose(turned, scaling(scale, scale, scale)));
}

/** First `b`, then `a`. */
export function compose(a: Affine, b: Affine): Affine {
  const row = (r: 0 | 4 | 8): readonly [number, number, number, number] => {
    const [x, y, z, w] = [a[r], a[(r + 1) as 1], a[(r + 2) as 2], a[(r + 3) as 3]]; // r ≤ 8, so all are in range
    return [
      x * b[0] + y * b[4] + z * b[8],
      x * b[1] + y * b[5] + z * b[9],
      x * b[2] + y * b[6] + z * b[10],
      x * b[3] + y * b[7] + z * b[11] + w,
    ];
  };
  return [...row(0), ...row(4), ...row(8)];
}

export function scaling(x: number, y: number, z: number): Affine {
  return [x, 0, 0, 0, 0, y, 0, 0, 0, 0, z, 0];
}

export function moving([x, y, z]: Vec3): Affine {
  return [1, 0, 0, x, 0, 1, 0, y, 0, 0, 1, z];
}

export function turnAbout(axis: 0 | 1 | 2, degrees: number): Affine {
  const c = cos((degrees * Math.PI) / 180);
  const s = sin((degrees * Math.PI) / 180);
  if (axis === 0) {
    return [1, 0, 0, 0, 0, c, -s, 0, 0, s, c, 0];
  }
  if (axis === 1) {
    return [c, 0, s, 0, 0, 1, 0, 0, -s, 0, c, 0];
  }
  return [c, -s, 0, 0, s, c, 0, 0, 0, 0, 1, 0];
}

/** Volume factor; negative for a mirror image. */
export function determinant(m: Affine): number {
  return (
    m[0] * (m[5] * m[10] - m[6] * m[9]) -
    m[1] * (m[4] * m[10] - m[6] * m[8]) +
    m[2] * (m[4] * m[9] - m[5] * m[8])
  );
}
