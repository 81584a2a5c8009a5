/** Draws scenes and prompts from the whole grammar. */
import { formatScene } from "./format.ts";
import { isPattern, type Scene, type Thing } from "./scene.ts";
import {
  type Colour,
  colours,
  containers,
  materials,
  type Noun,
  objects,
  primitives,
  sizes,
  stackables,
} from "./vocabulary.ts";

/** What a prompt is mostly about. */
export const categories = [
  "colour",
  "material",
  "primitive",
  "object",
  "relation",
  "stack",
] as const;
export type Category = (typeof categories)[number];

export interface SampledPrompt {
  readonly prompt: string;
  readonly category: Category;
  readonly scene: Scene;
}

/** @param random uniform in [0, 1) */
export type Random = () => number;

/** A prompt of the category, each of its choices uniform; without a category, one of those first. */
export function samplePrompt(
  random: Random,
  category: Category = pick(random, categories),
): SampledPrompt {
  const scene = sampleScene(random, category);
  return { prompt: formatScene(scene), category, scene };
}

export function sampleScene(random: Random, category: Category): Scene {
  switch (category) {
    case "colour":
      return single({ noun: anyNoun(random), colour: pick(random, colours) });
    case "material":
      return single(withMaterial(random, { noun: anyNoun(random), colour: pick(random, colours) }));
    case "primitive":
      return single(decorated(random, pick(random, primitives)));
    case "object":
      return single(decorated(random, pick(random, objects)));
    case "stack": {
      const thing = { noun: pick(random, stackables), ...maybe(random, 0.8, "colour", colours) };
      return { kind: "stack", count: pick(random, [2, 3, 4] as const), thing };
    }
    case "relation":
      return relationScene(random);
  }
}

function relationScene(random: Random): Scene {
  const relation = pick(random, ["on top of", "next to", "inside"] as const);
  const first = { noun: anyNoun(random), ...maybe(random, 0.8, "colour", colours) };
  if (relation !== "inside") {
    const second = { noun: anyNoun(random), ...maybe(random, 0.8, "colour", colours) };
    return { kind: "relation", relation, first, second };
  }
  // Inside something open, or something that one can look through.
  const second: Thing =
    random() < 0.5
      ? { noun: pick(random, containers), ...maybe(random, 0.8, "colour", colours) }
      : {
          noun: pick(random, ["cube", "sphere", "cylinder"] as const),
          material: "glass",
          ...maybe(random, 0.5, "colour", colours),
        };
  return { kind: "relation", relation, first, second };
}

/** Half the things have a colour, some a size, some a material. */
function decorated(random: Random, noun: Noun): Thing {
  const thing: Thing = {
    noun,
    ...maybe(random, 0.5, "colour", colours),
    ...maybe(random, 0.25, "size", sizes),
  };
  return random() < 0.2 ? withMaterial(random, thing) : thing;
}

function withMaterial(random: Random, thing: Thing): Thing {
  const material = pick(random, materials);
  if (!isPattern(material) || thing.colour === undefined || random() < 0.5) {
    return { ...thing, material };
  }
  const others = colours.filter((colour: Colour) => colour !== thing.colour);
  return { ...thing, material, secondColour: pick(random, others) };
}

function single(thing: Thing): Scene {
  return { kind: "single", thing };
}

function anyNoun(random: Random): Noun {
  return random() < 0.3 ? pick(random, primitives) : pick(random, objects);
}

function maybe<K extends "colour" | "size", T>(
  random: Random,
  probability: number,
  key: K,
  values: readonly T[],
): { readonly [P in K]?: T } {
  if (random() >= probability) {
    return {};
  }
  return { [key]: pick(random, values) } as { readonly [P in K]: T }; // a computed key widens to string
}

export function pick<T>(random: Random, values: readonly T[]): T {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) {
    throw new RangeError("nothing to pick from");
  }
  return value;
}
