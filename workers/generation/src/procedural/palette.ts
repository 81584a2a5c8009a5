import type { Colour } from "../grammar/index.ts";
import type { Rgb } from "./model.ts";

/** What the colour words look like under full light. */
export const colourRgb: Readonly<Record<Colour, Rgb>> = {
  red: [0.88, 0.1, 0.1],
  orange: [0.98, 0.5, 0.06],
  yellow: [0.98, 0.86, 0.12],
  green: [0.13, 0.64, 0.2],
  blue: [0.12, 0.27, 0.88],
  purple: [0.52, 0.17, 0.7],
  pink: [0.98, 0.52, 0.72],
  brown: [0.47, 0.28, 0.14],
  black: [0.09, 0.09, 0.1],
  white: [0.95, 0.95, 0.95],
  gray: [0.52, 0.52, 0.53],
  cyan: [0.1, 0.8, 0.85],
};

/** What things are made of when nobody names a colour. */
export const natural = {
  wood: [0.62, 0.4, 0.2],
  darkWood: [0.42, 0.25, 0.13],
  bark: [0.42, 0.28, 0.16],
  leaf: [0.2, 0.58, 0.2],
  darkLeaf: [0.1, 0.42, 0.2],
  steel: [0.66, 0.68, 0.72],
  darkSteel: [0.3, 0.31, 0.34],
  gold: [0.95, 0.75, 0.2],
  rubber: [0.13, 0.13, 0.14],
  glassBlue: [0.55, 0.76, 0.9],
  stone: [0.66, 0.64, 0.6],
  brick: [0.72, 0.33, 0.24],
  cream: [0.96, 0.91, 0.78],
  bread: [0.85, 0.58, 0.26],
  chocolate: [0.36, 0.2, 0.11],
  skinPink: [0.97, 0.67, 0.7],
  white: [0.95, 0.95, 0.95],
  snow: [0.95, 0.97, 1],
  ink: [0.07, 0.07, 0.08],
  red: [0.86, 0.13, 0.12],
  orange: [0.97, 0.52, 0.1],
  yellow: [0.98, 0.85, 0.16],
  green: [0.2, 0.62, 0.24],
  blue: [0.16, 0.36, 0.85],
  purple: [0.55, 0.25, 0.72],
  pink: [0.97, 0.55, 0.72],
  gray: [0.6, 0.6, 0.62],
  flame: [1, 0.72, 0.12],
} as const satisfies Readonly<Record<string, Rgb>>;
