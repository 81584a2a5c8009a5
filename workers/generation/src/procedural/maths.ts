/**
 * Elementary functions from +, −, ×, ÷ and √ alone, which IEEE 754 defines to the last bit: the same prompt gives the
 * same bytes under any version of the JavaScript engine, whose own `Math.sin` may differ. Error below 1e-9.
 */

const halfPi = Math.PI / 2;

/** @param x radians */
export function sin(x: number): number {
  const quarter = Math.round(x / halfPi);
  const r = x - quarter * halfPi;
  const value = quarter % 2 === 0 ? sinCore(r) : cosCore(r);
  return ((quarter % 4) + 4) % 4 >= 2 ? -value : value;
}

/** @param x radians */
export function cos(x: number): number {
  return sin(x + halfPi);
}

/** Natural logarithm. @param x above 0 */
export function ln(x: number): number {
  let exponent = 0;
  let m = x;
  while (m > Math.SQRT2) {
    m /= 2;
    exponent++;
  }
  while (m < Math.SQRT1_2) {
    m *= 2;
    exponent--;
  }
  // ln m = 2·atanh((m − 1) / (m + 1)); |t| ≤ 0.172
  const t = (m - 1) / (m + 1);
  const q = t * t;
  const series = 1 + q * (1 / 3 + q * (1 / 5 + q * (1 / 7 + q * (1 / 9 + q * (1 / 11 + q / 13)))));
  return exponent * Math.LN2 + 2 * t * series;
}

/** √(x² + y² + z²) */
export function length3(x: number, y: number, z: number): number {
  return Math.sqrt(x * x + y * y + z * z);
}

export function clamp(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

export function mix(a: number, b: number, t: number): number {
  return a + (b - a) * t;
}

/** 0 up to `from`, 1 from `to` on, smooth between. */
export function smoothStep(from: number, to: number, value: number): number {
  const t = clamp((value - from) / (to - from), 0, 1);
  return t * t * (3 - 2 * t);
}

/** Taylor series for |r| ≤ π/4. */
function sinCore(r: number): number {
  const q = r * r;
  return r * (1 - (q / 6) * (1 - (q / 20) * (1 - (q / 42) * (1 - (q / 72) * (1 - q / 110)))));
}

function cosCore(r: number): number {
  const q = r * r;
  return (
    1 - (q / 2) * (1 - (q / 12) * (1 - (q / 30) * (1 - (q / 56) * (1 - (q / 90) * (1 - q / 132)))))
  );
}
