/** From what values mean (opacities 0 to 1, standard deviations, colours 0 to 1) to what is stored, and back. */
import { AssetError, type Splat, shC0 } from "./splat.ts";

/** Below this a splat has no size that matters; the logarithm stays finite. */
const leastDeviation = 1e-30;

/** A deviation of 0 is drawn as a point; a negative one or NaN stays what it is and is refused. */
export function logOfDeviation(deviation: number): number {
  return deviation >= 0 ? Math.log(Math.max(leastDeviation, deviation)) : Number.NaN;
}

/** 0 and 1 become −∞ and +∞. */
export function logitOf(opacity: number): number {
  return Math.log(opacity / (1 - opacity));
}

/** The logit of an opacity that is stored in 255 steps: −∞ for byte 0, ∞ for byte 255. */
export function logitOfByte(byte: number): number {
  return Math.log(byte / (255 - byte));
}

export function opacityOf(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

export function dcOfColour(colour: number): number {
  return (colour - 0.5) / shC0;
}

export function colourOfDc(dc: number): number {
  return 0.5 + shC0 * dc;
}

/** @throws AssetError when `opacity` is none: the values are not activated */
export function activatedOpacity(opacity: number, what: string): number {
  if (opacity < 0 || opacity > 1) {
    throw new AssetError("malformed", `${what} is ${opacity}; activated ones go from 0 to 1`);
  }
  return logitOf(opacity);
}

/** How many splats must look activated before it is taken for more than chance. */
const leastTold = 100;

/**
 * What of a splat looks as if it were activated already: opacities from 0 to 1, deviations above 0. Such logits would be
 * opacities from 0.5 to 0.73 without exception, and such logarithms splats larger than a unit. One of both alone is told
 * where there are many.
 */
export function looksActivated(splat: Splat): "both" | "opacities" | "deviations" | undefined {
  const areShares = splat.opacities.every((value) => value >= 0 && value <= 1);
  const areDeviations = splat.scales.every((value) => value >= 0);
  if (areShares && areDeviations) {
    return "both";
  }
  if (splat.count < leastTold) {
    return undefined;
  }
  if (areShares && splat.opacities.some((value) => value !== splat.opacities[0])) {
    return "opacities";
  }
  return areDeviations && splat.scales.every((value) => value <= 1) ? "deviations" : undefined;
}

/** A logarithm of −∞ is a deviation of 0: a flat splat. Returns how many there were; `scales` are changed. */
export function flattenScales(scales: Float32Array): number {
  const flat = logOfDeviation(0);
  let found = 0;
  for (let i = 0; i < scales.length; i++) {
    if (scales[i] !== Number.NEGATIVE_INFINITY) {
      continue;
    }
    scales[i] = flat;
    found++;
  }
  return found;
}
