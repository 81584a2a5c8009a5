/**
 * What a place on a surface looks like: paint, pattern, and light baked in. Light never hides what colour a thing has:
 * even the underside keeps most of it.
 */
import { type Colour, isPattern, type Pattern, type Thing } from "../grammar/index.ts";
import { clamp, length3, mix, smoothStep } from "./maths.ts";
import type { Finish, Paint, Rgb } from "./model.ts";
import { colourRgb } from "./palette.ts";

export interface Place {
  readonly position: readonly [number, number, number];
  readonly normal: readonly [number, number, number];
  /** 0 in a corner to 1. */
  readonly openness: number;
}

export interface Look {
  readonly rgb: Rgb;
  /** 0 to 1 */
  readonly opacity: number;
}

/** Colours of a thing's parts, decided once. */
export interface Style {
  readonly rgb: Rgb;
  readonly second: Rgb;
  readonly finish: Finish;
  readonly pattern: Pattern | undefined;
}

export function styleOf(paint: Paint, thing: Thing): Style {
  const named = paint.main && thing.colour !== undefined ? colourRgb[thing.colour] : paint.rgb;
  const rgb = toned(named, paint.tone);
  const { material } = thing;
  const pattern = paint.main && isPattern(material) ? material : undefined;
  return {
    rgb,
    second: toned(colourRgb[thing.secondColour ?? contrastOf(thing.colour, paint.rgb)], paint.tone),
    finish: paint.main && isFinish(material) ? material : paint.finish,
    pattern,
  };
}

/** @param isSecond whether the pattern's second colour is here */
export function lookAt(style: Style, place: Place, isSecond: boolean): Look {
  const base = isSecond ? style.second : style.rgb;
  const { normal, openness } = place;
  const corner = 0.52 + 0.48 * openness;
  switch (style.finish) {
    case "matte":
      return { rgb: lit(base, daylight(normal) * corner, 0), opacity: 0.97 };
    case "glossy":
      return {
        rgb: lit(base, daylight(normal) * corner, 0.85 * softBoxes(place) * openness),
        opacity: 0.97,
      };
    case "metal":
      return { rgb: metal(base, place, corner), opacity: 0.97 };
    case "glass": {
      const shine = softBoxes(place);
      return {
        rgb: lit(paler(base, 0.15), 0.9 + 0.1 * normal[1], shine),
        opacity: mix(0.11, 0.8, shine),
      };
    }
  }
}

/** Light from everywhere, more of it from above, and a lamp at the front left. */
const lamp = [-0.42, 0.7, 0.577] as const;

function daylight([x, y, z]: Place["normal"]): number {
  const facing = Math.max(0, x * lamp[0] + y * lamp[1] + z * lamp[2]);
  return 0.76 + 0.12 * y + 0.2 * facing;
}

/** White reflections of four windows around; where they would be for a viewer at the height of the object. */
function softBoxes({ position, normal }: Place): number {
  const [x, y, z] = bent(position, normal, 1.4);
  const across = Math.max(Math.abs(x), Math.abs(z));
  const along = Math.min(Math.abs(x), Math.abs(z));
  const inHeight = smoothStep(0.3, 0.4, y) * (1 - smoothStep(0.62, 0.72, y));
  const inWidth =
    smoothStep(0.12, 0.2, along) * (1 - smoothStep(0.5, 0.6, along / (across + 1e-9)));
  return inHeight * inWidth;
}

/** A bright sky, a dark horizon and a lit floor, seen in a curved mirror of the thing's colour. */
function metal(base: Rgb, { position, normal }: Place, corner: number): Rgb {
  const [x, y, z] = bent(position, normal, 0.35);
  const wobble = 0.12 * (x * x - z * z) + 0.08 * x * z;
  const h = y + wobble;
  const sky = mix(1.15, 0.72, smoothStep(0.1, 0.75, h)) + 0.35 * smoothStep(0.8, 0.95, h);
  const floor = mix(0.62, 0.9, smoothStep(-0.15, -0.8, h));
  const shade = mix(floor, sky, smoothStep(-0.06, 0.05, h)) * (0.9 + 0.1 * x);
  const glint = 0.75 * smoothStep(0.03, 0.08, h) * (1 - smoothStep(0.1, 0.3, h));
  return lit(base, shade * (0.4 + 0.6 * corner), glint * 0.6);
}

/** Flat faces reflect another direction at each of their points: the normal leans outwards from the middle. */
function bent(position: Place["position"], normal: Place["normal"], by: number): Place["normal"] {
  const x = normal[0] + position[0] * by;
  const y = normal[1] + position[1] * by;
  const z = normal[2] + position[2] * by;
  const length = length3(x, y, z) || 1;
  return [x / length, y / length, z / length];
}

function lit(rgb: Rgb, light: number, white: number): Rgb {
  const channel = (value: number): number => clamp(mix(value * light, 1, white), 0, 1);
  return [channel(rgb[0]), channel(rgb[1]), channel(rgb[2])];
}

function toned([r, g, b]: Rgb, tone: number): Rgb {
  return [Math.min(1, r * tone), Math.min(1, g * tone), Math.min(1, b * tone)];
}

function paler([r, g, b]: Rgb, by: number): Rgb {
  return [mix(r, 1, by), mix(g, 1, by), mix(b, 1, by)];
}

/** The other colour of a pattern for which none was named. */
function contrastOf(colour: Colour | undefined, own: Rgb): Colour {
  const [r, g, b] = colour === undefined ? own : colourRgb[colour];
  return 0.3 * r + 0.59 * g + 0.11 * b > 0.75 ? "black" : "white";
}

function isFinish(material: string | undefined): material is Finish {
  return (
    material === "matte" || material === "glossy" || material === "metal" || material === "glass"
  );
}
