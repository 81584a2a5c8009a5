/** Assets that are worse on purpose: for tests, for simulated miners, and as what a model learns to refuse. */
import type { Splat } from "@turntable/splat";
import { shC0 } from "@turntable/splat";
import {
  type Colour,
  colours,
  type Noun,
  objects,
  pick,
  primitives,
  type Random,
  type Scene,
  type Thing,
} from "../grammar/index.ts";
import { ln } from "./maths.ts";

export const qualities = [
  "good",
  "sparse",
  "blurry",
  "wrong-colour",
  "wrong-shape",
  "noise",
] as const;
export type Quality = (typeof qualities)[number];

/** Sparse assets have this share of the splats, at the size they would have had: most of the surface is missing. */
const sparseShare = 0.06;
/** A blurry splat's deviation in units, and how far it strays. */
const blur = 0.075;
/** Edge of the cube of noise, halved; its corners stay within the radius that all assets keep. */
const noiseReach = 0.5;

/** What is shown for the scene that was asked for. */
export function sceneFor(quality: Quality, scene: Scene, random: Random): Scene {
  if (quality !== "wrong-colour" && quality !== "wrong-shape") {
    return scene;
  }
  const change = quality === "wrong-colour" ? otherColour : otherShape;
  if (scene.kind !== "relation") {
    return { ...scene, thing: change(scene.thing, random) };
  }
  return { ...scene, first: change(scene.first, random), second: change(scene.second, random) };
}

export function applyQuality(quality: Quality, splat: Splat, random: Random): Splat {
  switch (quality) {
    case "good":
    case "wrong-colour":
    case "wrong-shape":
      return splat;
    case "sparse":
      return thinned(splat, random);
    case "blurry":
      return blurred(splat, random);
    case "noise":
      return noise(splat.count, random);
  }
}

function otherColour(thing: Thing, random: Random): Thing {
  const others = colours.filter((colour: Colour) => colour !== thing.colour);
  return { ...thing, colour: pick(random, others) };
}

function otherShape(thing: Thing, random: Random): Thing {
  const others = [...primitives, ...objects].filter((noun: Noun) => noun !== thing.noun);
  return { ...thing, noun: pick(random, others) };
}

function thinned(splat: Splat, random: Random): Splat {
  const kept: number[] = [];
  for (let i = 0; i < splat.count; i++) {
    if (random() < sparseShare) {
      kept.push(i);
    }
  }
  if (kept.length === 0) {
    kept.push(0);
  }
  const take = (values: Float32Array, width: number): Float32Array => {
    const taken = new Float32Array(kept.length * width);
    for (const [to, from] of kept.entries()) {
      taken.set(values.subarray(from * width, (from + 1) * width), to * width);
    }
    return taken;
  };
  return {
    ...splat,
    count: kept.length,
    positions: take(splat.positions, 3),
    scales: take(splat.scales, 3),
    rotations: take(splat.rotations, 4),
    opacities: take(splat.opacities, 1),
    shDc: take(splat.shDc, 3),
  };
}

function blurred(splat: Splat, random: Random): Splat {
  const size = ln(blur);
  return {
    ...splat,
    positions: splat.positions.map((value) => value + (random() - 0.5) * blur * 2),
    scales: splat.scales.map(() => size),
    // ln(0.12 / 0.88): many soft splats lie over each other.
    opacities: splat.opacities.map(() => -1.992),
  };
}

function noise(count: number, random: Random): Splat {
  const small = ln(0.006);
  return {
    count,
    shDegree: 0,
    positions: new Float32Array(count * 3).map(() => (random() * 2 - 1) * noiseReach),
    scales: new Float32Array(count * 3).map(() => small + 1.5 * random()),
    rotations: new Float32Array(count * 4).map(() => random() - 0.5),
    opacities: new Float32Array(count).map(() => random() * 6 - 2),
    shDc: new Float32Array(count * 3).map(() => (random() - 0.5) / shC0),
    shRest: new Float32Array(0),
  };
}
