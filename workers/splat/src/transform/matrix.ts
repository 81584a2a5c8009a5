/** 3 × 3 matrices by rows, and the quaternions (w, x, y, z) of those that turn. */

export type Vector3 = readonly [number, number, number];
export type Matrix3 = readonly [Vector3, Vector3, Vector3];
export type Quaternion = readonly [number, number, number, number];

export const identity: Matrix3 = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];

export function apply(matrix: Matrix3, vector: Vector3): Vector3 {
  return [dot(matrix[0], vector), dot(matrix[1], vector), dot(matrix[2], vector)];
}

export function multiply(a: Matrix3, b: Matrix3): Matrix3 {
  const columns = transpose(b);
  const row = (vector: Vector3): Vector3 => apply(columns, vector);
  return [row(a[0]), row(a[1]), row(a[2])];
}

export function transpose([a, b, c]: Matrix3): Matrix3 {
  return [
    [a[0], b[0], c[0]],
    [a[1], b[1], c[1]],
    [a[2], b[2], c[2]],
  ];
}

export function scaled(matrix: Matrix3, factor: number): Matrix3 {
  const row = ([x, y, z]: Vector3): Vector3 => [x * factor, y * factor, z * factor];
  return [row(matrix[0]), row(matrix[1]), row(matrix[2])];
}

export function determinant([a, b, c]: Matrix3): number {
  return dot(a, [b[1] * c[2] - b[2] * c[1], b[2] * c[0] - b[0] * c[2], b[0] * c[1] - b[1] * c[0]]);
}

function dot(a: Vector3, b: Vector3): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/** Counter-clockwise around an axis, seen from its tip. */
export function rotationAround(axis: 0 | 1 | 2, degrees: number): Matrix3 {
  const angle = (degrees * Math.PI) / 180;
  // Quarter turns are exact: their splats keep round coordinates.
  const isQuarter = degrees % 90 === 0;
  const [c, s] = [Math.cos(angle), Math.sin(angle)].map((v) => (isQuarter ? Math.round(v) : v));
  const [cos = 1, sin = 0] = [c, s];
  if (axis === 0) {
    return [identity[0], [0, cos, -sin], [0, sin, cos]];
  }
  if (axis === 1) {
    return [[cos, 0, sin], identity[1], [-sin, 0, cos]];
  }
  return [[cos, -sin, 0], [sin, cos, 0], identity[2]];
}

/** The rotation that a quaternion stands for, whose length may be anything but 0. */
export function rotationOf([w, x, y, z]: Quaternion): Matrix3 {
  const n = 2 / (w * w + x * x + y * y + z * z);
  return [
    [1 - n * (y * y + z * z), n * (x * y - w * z), n * (x * z + w * y)],
    [n * (x * y + w * z), 1 - n * (x * x + z * z), n * (y * z - w * x)],
    [n * (x * z - w * y), n * (y * z + w * x), 1 - n * (x * x + y * y)],
  ];
}

/**
 * The quaternion of a matrix that turns and does nothing else. It starts from the largest part, which is never near 0.
 */
export function quaternionOf([a, b, c]: Matrix3): Quaternion {
  const parts = [a[0] + b[1] + c[2], a[0] - b[1] - c[2], b[1] - a[0] - c[2], c[2] - a[0] - b[1]];
  const largest = parts.indexOf(Math.max(...parts));
  const four = 2 * Math.sqrt(1 + (parts[largest] ?? 0));
  const [wx, wy, wz] = [(c[1] - b[2]) / four, (a[2] - c[0]) / four, (b[0] - a[1]) / four];
  const [xy, xz, yz] = [(a[1] + b[0]) / four, (a[2] + c[0]) / four, (b[2] + c[1]) / four];
  if (largest === 0) {
    return [four / 4, wx, wy, wz];
  }
  if (largest === 1) {
    return [wx, four / 4, xy, xz];
  }
  if (largest === 2) {
    return [wy, xy, four / 4, yz];
  }
  return [wz, xz, yz, four / 4];
}
