/** From a profile and a camera seed to views, as resources/profiles/README.md says; browsers do it, too. */
import type { View } from "../render/index.ts";

/** What of a profile says where the cameras are. */
export interface ViewsOfProfile {
  readonly views: number;
  readonly azimuth: { readonly startDeg: number; readonly stepDeg: number };
  readonly elevation:
    | { readonly minDeg: number; readonly maxDeg: number }
    | { readonly fixedDeg: number };
  readonly radius: number;
}

/** The views of a profile for a camera seed (64 bits). */
export function viewsOf(profile: ViewsOfProfile, cameraSeed: bigint): readonly View[] {
  const { azimuth, radius } = profile;
  const nextElevation = elevationsOf(profile, cameraSeed);
  return Array.from({ length: profile.views }, (_, index) => ({
    azimuthDeg: azimuth.startDeg + index * azimuth.stepDeg,
    elevationDeg: nextElevation(),
    radius,
  }));
}

function elevationsOf({ elevation }: ViewsOfProfile, cameraSeed: bigint): () => number {
  if ("fixedDeg" in elevation) {
    return () => elevation.fixedDeg;
  }
  const next = splitMix64(cameraSeed);
  const width = BigInt(elevation.maxDeg - elevation.minDeg);
  // The high half of width × draw: uniform, for a width this small, to one part in 2^58.
  return () => elevation.minDeg + Number((next() * width) >> 64n);
}

/** Draws of 64 bits. Source: Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014). */
function splitMix64(seed: bigint): () => bigint {
  let state = BigInt.asUintN(64, seed);
  return () => {
    state = BigInt.asUintN(64, state + 0x9e3779b97f4a7c15n);
    let z = state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  };
}
