/** Colour from a direction: factors and signs as in ../spherical-harmonics.ts. */
import {
  mostColour,
  shC0,
  shC1,
  shC2_0,
  shC2_1,
  shC2_2,
  shC2_3,
  shC2_4,
  shC3_0,
  shC3_1,
  shC3_2,
  shC3_3,
  shC3_4,
  shC3_5,
  shC3_6,
} from "./constants";

// @ts-ignore: decorator
@inline
function term(colour: usize, k: i32, basis: f32): v128 {
  return f32x4.mul(v128.load(colour + (<usize>k << 4)), f32x4.splat(basis));
}

export function shColour(colour: usize, degree: i32, x: f32, y: f32, z: f32): v128 {
  const c1 = <f32>shC1;
  let sum = f32x4.add(f32x4.splat(0.5), term(colour, 0, <f32>shC0));
  sum = f32x4.add(sum, term(colour, 1, -c1 * y));
  sum = f32x4.add(sum, term(colour, 2, c1 * z));
  sum = f32x4.add(sum, term(colour, 3, -c1 * x));
  if (degree > 1) {
    const xx = x * x;
    const yy = y * y;
    const zz = z * z;
    sum = f32x4.add(sum, term(colour, 4, <f32>shC2_0 * x * y));
    sum = f32x4.add(sum, term(colour, 5, <f32>shC2_1 * y * z));
    sum = f32x4.add(sum, term(colour, 6, <f32>shC2_2 * (2 * zz - xx - yy)));
    sum = f32x4.add(sum, term(colour, 7, <f32>shC2_3 * x * z));
    sum = f32x4.add(sum, term(colour, 8, <f32>shC2_4 * (xx - yy)));
    if (degree > 2) {
      sum = f32x4.add(sum, term(colour, 9, <f32>shC3_0 * y * (3 * xx - yy)));
      sum = f32x4.add(sum, term(colour, 10, <f32>shC3_1 * x * y * z));
      sum = f32x4.add(sum, term(colour, 11, <f32>shC3_2 * y * (4 * zz - xx - yy)));
      sum = f32x4.add(
        sum,
        term(colour, 12, <f32>shC3_3 * z * (2 * zz - 3 * xx - 3 * yy)),
      );
      sum = f32x4.add(sum, term(colour, 13, <f32>shC3_4 * x * (4 * zz - xx - yy)));
      sum = f32x4.add(sum, term(colour, 14, <f32>shC3_5 * z * (xx - yy)));
      sum = f32x4.add(sum, term(colour, 15, <f32>shC3_6 * x * (xx - 3 * yy)));
    }
  }
  // pmax(a, b) is a where b is NaN.
  return f32x4.pmin(f32x4.splat(<f32>mostColour), f32x4.pmax(f32x4.splat(0), sum));
}
