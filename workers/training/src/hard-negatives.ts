/** Prompts that are nearly right, and prompts that say what nobody understands: none of them fits the picture. */
import {
  type Colour,
  type Count,
  colours,
  formatScene,
  isPattern,
  materials,
  type Noun,
  objects,
  objectThemes,
  pick,
  primitives,
  type Random,
  relations,
  type Scene,
  type Thing,
  thingsOf,
} from "@turntable/generation/grammar";
import { knownWords } from "./words.ts";

/** A scene with its things replaced, the first and the second by their own rule. */
function withThings(scene: Scene, of: (thing: Thing, index: number) => Thing): Scene {
  return scene.kind === "relation"
    ? { ...scene, first: of(scene.first, 0), second: of(scene.second, 1) }
    : { ...scene, thing: of(scene.thing, 0) };
}

/** Every colour that is named is another one; undefined when none is. */
export function wrongColour(scene: Scene, random: Random): string | undefined {
  if (thingsOf(scene).every(({ colour }) => colour === undefined)) {
    return undefined;
  }
  return formatScene(
    withThings(scene, (thing) => (thing.colour === undefined ? thing : recoloured(thing, random))),
  );
}

/** The colours that light and material make the likeliest to be taken for each other. */
const lookalikes: Readonly<Record<Colour, readonly Colour[]>> = {
  red: ["orange", "brown", "pink"],
  orange: ["red", "yellow", "brown"],
  yellow: ["orange", "green", "white"],
  green: ["cyan", "yellow", "black"],
  blue: ["cyan", "purple", "black"],
  purple: ["blue", "pink", "black"],
  pink: ["red", "purple", "white"],
  brown: ["red", "orange", "gray", "black"],
  black: ["gray", "brown", "white"],
  white: ["gray", "pink", "black"],
  gray: ["white", "black", "brown"],
  cyan: ["blue", "green", "white"],
};

/** One of the colours that are named is another one that looks much alike; undefined when none is named. */
function recolouredAlike(scene: Scene, random: Random): string | undefined {
  const named = thingsOf(scene).flatMap(({ colour, secondColour }, thing) => [
    ...(colour === undefined ? [] : [{ thing, key: "colour", colour } as const]),
    ...(secondColour === undefined
      ? []
      : [{ thing, key: "secondColour", colour: secondColour } as const]),
  ]);
  if (named.length === 0) {
    return undefined;
  }
  const changed = pick(random, named);
  return formatScene(
    withThings(scene, (thing, index) => {
      if (index !== changed.thing) {
        return thing;
      }
      const others = lookalikes[changed.colour].filter(
        (colour) => colour !== thing.colour && colour !== thing.secondColour,
      );
      return { ...thing, [changed.key]: pick(random, others) };
    }),
  );
}

/** Every thing is another one. */
export function wrongShape(scene: Scene, random: Random): string {
  return formatScene(withThings(scene, (thing) => ({ ...thing, noun: otherNoun(thing, random) })));
}

/** One change of each kind that the scene has room for. */
export function hardNegatives(scene: Scene, random: Random): readonly string[] {
  const which = Math.floor(random() * 2);
  const only = (index: number, change: (thing: Thing) => Thing): string =>
    formatScene(withThings(scene, (thing, i) => (i === index ? change(thing) : thing)));
  const all: (string | undefined)[] = [
    wrongColour(scene, random),
    wrongColour(scene, random),
    recolouredAlike(scene, random),
    wrongShape(scene, random),
    formatScene(withThings(scene, (thing) => ({ ...thing, noun: neighbour(thing, random) }))),
    onlyColour(scene, random),
    otherMaterial(scene, random),
    ...otherArrangement(scene, random),
  ];
  if (scene.kind === "relation") {
    all.push(only(which, (thing) => ({ ...thing, noun: otherNoun(thing, random) })));
    all.push(only(1 - which, (thing) => ({ ...thing, noun: neighbour(thing, random) })));
    const thing = thingsOf(scene)[which];
    if (thing?.colour !== undefined) {
      all.push(only(which, (each) => recoloured(each, random)));
    }
  }
  const right = formatScene(scene);
  return all.filter((text) => text !== undefined && text !== right) as string[]; // undefined is filtered out
}

/** Prompts with a word that nobody taught the model; it must not accept what it cannot read. */
export function unreadable(scene: Scene, random: Random): readonly string[] {
  const right = formatScene(scene);
  const words = right.split(" ");
  const strange = (): string => unknownWord(random);
  const noun = thingsOf(scene)[0]?.noun ?? "";
  return [
    right.replace(noun, strange()),
    words.toSpliced(1 + Math.floor(random() * words.length), 0, strange()).join(" "),
    words.with(Math.floor(random() * words.length), strange()).join(" "),
    Array.from({ length: 1 + Math.floor(random() * 4) }, strange).join(" "),
    Array.from({ length: Math.floor(random() * 3) }, () => pick(random, emptyWords)).join(" "),
    // An irregular plural does not hold its noun.
  ].filter((text) => text !== right);
}

const emptyWords = ["a", "the", "of", "with", "some", "and", "please", "on", "in", "!", "?", "1"];

function recoloured(thing: Thing, random: Random): Thing {
  const taken: readonly (Colour | undefined)[] = [thing.colour, thing.secondColour];
  const colour = pick(
    random,
    colours.filter((other) => !taken.includes(other)),
  );
  return { ...thing, colour };
}

/** Shapes without a colour are gray, so a bright one is wrong. */
function onlyColour(scene: Scene, random: Random): string | undefined {
  if (scene.kind !== "single" || scene.thing.colour !== undefined) {
    return undefined;
  }
  if (!primitives.some((primitive) => primitive === scene.thing.noun)) {
    return undefined;
  }
  const bright = colours.filter((colour) => !["gray", "white", "black"].includes(colour));
  return formatScene({ ...scene, thing: { ...scene.thing, colour: pick(random, bright) } });
}

function otherNoun({ noun }: Thing, random: Random): Noun {
  return pick(
    random,
    [...primitives, ...objects].filter((other) => other !== noun),
  );
}

/** Another noun of the same theme: the likeliest to look alike. */
function neighbour({ noun }: Thing, random: Random): Noun {
  const themes: readonly (readonly Noun[])[] = [primitives, ...Object.values(objectThemes)];
  const theme = themes.find((nouns) => nouns.includes(noun)) ?? objects;
  return pick(
    random,
    theme.filter((other) => other !== noun),
  );
}

/** Nothing is said of what a thing without a material looks like, so there must be one. */
function otherMaterial(scene: Scene, random: Random): string | undefined {
  if (scene.kind !== "single" || scene.thing.material === undefined) {
    return undefined;
  }
  const { secondColour, ...thing } = scene.thing;
  const others = materials.filter((material) => material !== thing.material);
  const material = pick(random, others);
  const second = isPattern(material) && secondColour !== undefined ? { secondColour } : {};
  return formatScene({ ...scene, thing: { ...thing, material, ...second } });
}

/** The same things, placed otherwise. */
function otherArrangement(scene: Scene, random: Random): readonly string[] {
  switch (scene.kind) {
    case "single": {
      const { secondColour: _, size: __, material: ___, ...thing } = scene.thing;
      const second: Thing = { noun: otherNoun(thing, random), colour: pick(random, colours) };
      const relation = pick(random, relations);
      return [
        formatScene({ kind: "stack", count: pick(random, [2, 3, 4] as const), thing }),
        formatScene({ kind: "relation", relation, first: thing, second }),
      ];
    }
    case "stack": {
      const counts: readonly Count[] = [2, 3, 4];
      const others = counts.filter((count) => count !== scene.count);
      return [formatScene({ ...scene, count: pick(random, others) })];
    }
    case "relation": {
      const { first, second } = scene;
      const others = relations.filter((relation) => relation !== scene.relation);
      const swapped =
        // Side by side, either is next to the other.
        scene.relation === "next to"
          ? {
              ...scene,
              first: { ...first, noun: second.noun },
              second: { ...second, noun: first.noun },
            }
          : { ...scene, first: second, second: first };
      return [
        formatScene({ ...scene, relation: pick(random, others) }),
        ...(first.noun === second.noun || first.colour === second.colour
          ? []
          : [formatScene(swapped)]),
        formatScene({ kind: "stack", count: 2, thing: pick(random, [first, second]) }),
      ];
    }
  }
}

const known = new Set(knownWords);
const vowels = "aeiou";
const consonants = "bcdfghjklmnprstvwz";

function unknownWord(random: Random): string {
  for (;;) {
    const word = strangeWord(random);
    if (!known.has(word)) {
      return word;
    }
  }
}

/** Syllables, or a known word that grew, shrank, or ran into another: their letters alone must not be enough. */
function strangeWord(random: Random): string {
  const word = pick(random, knownWords);
  const letter = (): string => pick(random, [...vowels, ...consonants]);
  switch (Math.floor(random() * 6)) {
    case 0:
      return letter() + word;
    case 1:
      return word + pick(random, ["ed", "ing", "ness", "ish", "ly", letter()]);
    case 2:
      return word + pick(random, knownWords);
    case 3:
      return word.slice(0, -1) || letter();
    default:
      return Array.from(
        { length: 1 + Math.floor(random() * 4) },
        () =>
          pick(random, [...consonants]) +
          pick(random, [...vowels]) +
          (random() < 0.4 ? letter() : ""),
      ).join("");
  }
}
