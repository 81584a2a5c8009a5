/** Smooth curves through points (centripetal would be safer for wild points; ours are few and even: uniform Catmull-Rom). */

/** Writes the curve's point at t in 0..1. `points` are arrays of one length. */
export function curvePoint(
  points: readonly (readonly number[])[],
  closed: boolean,
  t: number,
  out: Float64Array,
): void {
  const count = points.length;
  const spans = closed ? count : count - 1;
  const scaled = Math.min(Math.max(t, 0), 1) * spans;
  const span = Math.min(Math.floor(scaled), spans - 1);
  const f = scaled - span;
  const pick = (i: number): readonly number[] =>
    points[closed ? (i + count) % count : Math.min(Math.max(i, 0), count - 1)] ?? [];
  const p0 = pick(span - 1);
  const p1 = pick(span);
  const p2 = pick(span + 1);
  const p3 = pick(span + 2);
  for (let axis = 0; axis < out.length; axis++) {
    const a = p0[axis] ?? 0;
    const b = p1[axis] ?? 0;
    const c = p2[axis] ?? 0;
    const d = p3[axis] ?? 0;
    out[axis] = b + 0.5 * f * (c - a + f * (2 * a - 5 * b + 4 * c - d + f * (3 * (b - c) + d - a)));
  }
}

/** The curve as a polygon of `perSpan` pieces a span. */
export function polylineOf(
  points: readonly (readonly [number, number])[],
  closed: boolean,
  perSpan: number,
): (readonly [number, number])[] {
  const spans = closed ? points.length : points.length - 1;
  const out = new Float64Array(2);
  return Array.from({ length: spans * perSpan + (closed ? 0 : 1) }, (_, i) => {
    curvePoint(points, closed, i / (spans * perSpan), out);
    return [out[0] ?? 0, out[1] ?? 0] as const;
  });
}
