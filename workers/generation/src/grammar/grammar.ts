/** The words that the procedural engine understands, and how it reads a prompt. */

/** Linear blend targets in sRGB, 0 to 1. */
export const colours = {
  red: [0.86, 0.1, 0.1],
  orange: [0.96, 0.5, 0.08],
  yellow: [0.95, 0.85, 0.12],
  green: [0.13, 0.62, 0.2],
  blue: [0.12, 0.25, 0.85],
  purple: [0.5, 0.16, 0.68],
  pink: [0.96, 0.5, 0.7],
  brown: [0.45, 0.27, 0.13],
  black: [0.08, 0.08, 0.08],
  white: [0.94, 0.94, 0.94],
  gray: [0.5, 0.5, 0.5],
  cyan: [0.1, 0.78, 0.82],
} as const satisfies Record<string, readonly [number, number, number]>;

export const shapes = ["cube", "sphere", "cylinder", "cone", "pyramid", "torus"] as const;

export type Colour = keyof typeof colours;
export type Shape = (typeof shapes)[number];

/** What a prompt asks for. */
export interface Scene {
  readonly colour: Colour;
  readonly shape: Shape;
}

export interface ParsedPrompt {
  readonly scene: Scene;
  /** Words that mean nothing to the grammar, in order. */
  readonly unknownWords: readonly string[];
}

const synonyms: Readonly<Record<string, Colour | Shape>> = {
  grey: "gray",
  violet: "purple",
  turquoise: "cyan",
  box: "cube",
  ball: "sphere",
  globe: "sphere",
  tube: "cylinder",
  can: "cylinder",
  ring: "torus",
  donut: "torus",
  doughnut: "torus",
};
const fillers = new Set(["a", "an", "the", "of", "please", "one", "single"]);

/** Reads a prompt; what it does not name is a gray sphere. */
export function parsePrompt(prompt: string): ParsedPrompt {
  let colour: Colour | undefined;
  let shape: Shape | undefined;
  const unknownWords: string[] = [];
  for (const word of prompt.toLowerCase().match(/\p{L}+/gu) ?? []) {
    const known = synonyms[word] ?? word;
    if (isColour(known)) colour ??= known;
    else if (isShape(known)) shape ??= known;
    else if (!fillers.has(word)) unknownWords.push(word);
  }
  return { scene: { colour: colour ?? "gray", shape: shape ?? "sphere" }, unknownWords };
}

/** Every prompt of the grammar, colour by colour. */
export function allPrompts(): readonly string[] {
  return Object.keys(colours).flatMap((colour) =>
    shapes.map((shape) => `${/^[aeiou]/.test(colour) ? "an" : "a"} ${colour} ${shape}`),
  );
}

function isColour(word: string): word is Colour {
  return Object.hasOwn(colours, word);
}

function isShape(word: string): word is Shape {
  return shapes.some((shape) => shape === word);
}
