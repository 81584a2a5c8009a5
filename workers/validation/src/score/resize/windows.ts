/** Which input pixels make an output pixel of a bicubic resize, and with what weights; see resize.ts. */

/** Bits after the point of a weight: 32 bits, less 8 of a pixel and 2 for overshoot. Source: PRECISION_BITS. */
export const precisionBits = 32 - 8 - 2;
/** Radius in which the bicubic kernel is not zero. */
const bicubicSupport = 2;

/** For each output position where its window starts, and the weights of the window. */
export interface Windows {
  readonly starts: Int32Array;
  readonly lengths: Int32Array;
  /** `stride` a position. */
  readonly weights: Int32Array;
  readonly stride: number;
}

/** Along one axis. */
export function windowsOf(inputLength: number, outputLength: number): Windows {
  const scale = inputLength / outputLength;
  const filterScale = Math.max(scale, 1);
  const support = bicubicSupport * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(outputLength);
  const lengths = new Int32Array(outputLength);
  const weights = new Int32Array(outputLength * stride);
  const inverse = 1 / filterScale;
  const raw = new Float64Array(stride);
  for (let i = 0; i < outputLength; i++) {
    const center = (i + 0.5) * scale;
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(inputLength, Math.trunc(center + support + 0.5));
    let sum = 0;
    for (let k = 0; k < end - start; k++) {
      const weight = bicubic((k + start - center + 0.5) * inverse);
      raw[k] = weight;
      sum += weight;
    }
    // Multiplied by the reciprocal: a division would round some weights the other way.
    const normaliser = sum === 0 ? 1 : 1 / sum;
    for (let k = 0; k < end - start; k++) {
      const fixed = (raw[k] ?? 0) * normaliser * (1 << precisionBits);
      weights[i * stride + k] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
    starts[i] = start;
    lengths[i] = end - start;
  }
  return { starts, lengths, weights, stride };
}

/** Keys' kernel with a = −0.5. */
function bicubic(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) {
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  }
  if (x < bicubicSupport) {
    return (((x - 5) * x + 8) * x - 4) * a;
  }
  return 0;
}
