/** Texts about a scene, for training: some fit it, some do not, and none is a held-out prompt. */
import {
  colours,
  formatScene,
  materials,
  objects,
  pick,
  primitives,
  type Random,
  relations,
  type Scene,
  samplePrompt,
  type Thing,
  thingsOf,
} from "@turntable/generation/grammar";
import { fillers, pluralOf, synonyms } from "@turntable/generation/internal";
import { hardNegatives, unreadable } from "./hard-negatives.ts";
import { isHeldOut } from "./held-out.ts";

export interface SceneTexts {
  /** Texts that fit, and what each says as numbers; none for a scene that shows nothing. */
  readonly right: readonly { readonly text: string; readonly says: readonly number[] }[];
  readonly wrong: readonly string[];
  /** What is shown, as numbers. */
  readonly shows: readonly number[];
}

export function sceneTexts(shown: Scene | null, random: Random): SceneTexts {
  const about = shown ?? samplePrompt(random).scene;
  // Twice: what is drawn at random is another text each time.
  const wrong = new Set([
    ...hardNegatives(about, random),
    ...hardNegatives(about, random),
    ...unreadable(about, random),
  ]);
  if (shown === null) {
    wrong.add(formatScene(about));
  }
  return {
    right: shown === null ? [] : rightTexts(shown, random),
    wrong: [...wrong].filter((text) => !isHeldOut(text)),
    shows: numbersOf(shown ?? undefined),
  };
}

function rightTexts(scene: Scene, random: Random): SceneTexts["right"] {
  const said = [scene, scene, scene, ...lessSaid(scene)];
  return said.flatMap((each, index) => {
    const text = formatScene(each);
    if (isHeldOut(text)) {
      return [];
    }
    const varied = index === 0 || index === 3 ? text : inOtherWords(each, text, random);
    if (isHeldOut(varied)) {
      return [];
    }
    return [{ text: varied, says: numbersOf(each) }];
  });
}

/** A red cube is a cube, too. */
function lessSaid(scene: Scene): readonly Scene[] {
  if (scene.kind !== "single" || scene.thing.colour === undefined) {
    return [];
  }
  return [{ kind: "single", thing: { noun: scene.thing.noun } }];
}

/** Other words for the same, and words that say nothing. */
function inOtherWords(scene: Scene, text: string, random: Random): string {
  let words = text;
  const replace = (phrase: string | undefined, plural = false): void => {
    if (phrase === undefined || random() < 0.3) {
      return;
    }
    const others = Object.keys(synonyms).filter((key) => synonyms[key] === phrase);
    if (others.length === 0) {
      return;
    }
    const other = pick(random, others);
    words = words.replace(plural ? pluralOf(nounOf(phrase)) : phrase, plural ? `${other}s` : other);
  };
  for (const thing of thingsOf(scene)) {
    for (const [name, meaning] of Object.entries(synonyms)) {
      if (Array.isArray(meaning) && random() < 0.3) {
        words = words.replace(meaning.join(" "), name);
      }
    }
    replace(thing.noun, scene.kind === "stack");
    replace(thing.colour);
    replace(thing.material);
    replace(thing.size);
  }
  if (scene.kind === "relation") {
    replace(scene.relation);
  }
  const parts = words.split(" ");
  if (random() < 0.2) {
    parts.splice(1, 0, pick(random, [...fillers]));
  }
  if (random() < 0.2 && parts.length > 2) {
    parts.shift();
  }
  if (random() < 0.2) {
    parts.push(pick(random, [".", "!"]));
  }
  return parts.join(" ");
}

const nouns = [...primitives, ...objects];

function nounOf(phrase: string): (typeof nouns)[number] {
  return nouns.find((noun) => noun === phrase) ?? "sphere";
}

/** Kind, count, relation, then noun, colour, material and second colour of two things; 0 where nothing is said. */
function numbersOf(scene: Scene | undefined): readonly number[] {
  if (scene === undefined) {
    return new Array<number>(11).fill(0);
  }
  const [first, second] = thingsOf(scene);
  return [
    1 + ["single", "stack", "relation"].indexOf(scene.kind),
    scene.kind === "stack" ? scene.count : 0,
    scene.kind === "relation" ? 1 + relations.indexOf(scene.relation) : 0,
    ...numbersOfThing(first),
    ...numbersOfThing(second),
  ];
}

function numbersOfThing(thing: Thing | undefined): readonly number[] {
  const number = <T>(values: readonly T[], value: T | undefined): number =>
    value === undefined ? 0 : 1 + values.indexOf(value);
  return [
    number(nouns, thing?.noun),
    number(colours, thing?.colour),
    number(materials, thing?.material),
    number(colours, thing?.secondColour),
  ];
}
