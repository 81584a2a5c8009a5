/** 16-bit floats (IEEE 754 binary16). */

export function decodeHalf(bits: number): number {
  const sign = (bits & 0x8000) === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) {
    return sign * fraction * 2 ** -24;
  }
  if (exponent === 31) {
    return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  }
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const largestHalf = 65504;

/** The nearest one; what is too large becomes the largest. */
export function encodeHalf(value: number): number {
  const sign = value < 0 ? 0x8000 : 0;
  const size = Math.min(Math.abs(value), largestHalf);
  const exponent = Math.max(-14, Math.floor(Math.log2(size)));
  // Below 2^-14 the step stays that of subnormal numbers. A carry runs into the exponent, as it should.
  const steps = Math.round(size * 2 ** (10 - exponent));
  return sign | (exponent === -14 && steps < 1024 ? steps : ((exponent + 14) << 10) + steps);
}
