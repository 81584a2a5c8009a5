/** Things built of painted parts, in units of their own: they are scaled to fit when they are placed. */
import { type Affine, compose, identity, type Placement, placement, turnAbout } from "./affine.ts";
import type { Surface } from "./surfaces/index.ts";

/** sRGB, 0 to 1. */
export type Rgb = readonly [number, number, number];

export type Finish = "matte" | "glossy" | "metal" | "glass";

/**
 * What a part looks like. `main` parts take the colour and material that the prompt names; `rgb` and `finish` are what
 * they have otherwise, and `tone` makes some of them darker or lighter in any colour.
 */
export interface Paint {
  readonly rgb: Rgb;
  readonly main: boolean;
  readonly finish: Finish;
  readonly tone: number;
}

export interface Part {
  readonly surface: Surface;
  readonly place: Affine;
  readonly paint: Paint;
}

export interface Model {
  readonly parts: readonly Part[];
  /** Open at the top: things can be put inside. Heights and radius in the model's units. */
  readonly opening?: { readonly floor: number; readonly rim: number; readonly radius: number };
  /** Where things are put on top, when that is not the highest place. In the model's units. */
  readonly seat?: { readonly at: readonly [number, number, number]; readonly width: number };
}

/** Takes the prompt's colour. */
export function main(rgb: Rgb, tone = 1): Paint {
  return { rgb, main: true, finish: "matte", tone };
}

/** Keeps its own colour. */
export function fixed(rgb: Rgb, finish: Finish = "matte"): Paint {
  return { rgb, main: false, finish, tone: 1 };
}

export function part(surface: Surface, paint: Paint, where: Placement = {}): Part {
  return { surface, paint, place: placement(where) };
}

/** The parts, and their mirror images on the other side of the plane x = 0 (or z = 0). */
export function mirrored(axis: "x" | "z", ...parts: readonly Part[]): readonly Part[] {
  const flip: Affine =
    axis === "x" ? [-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0] : [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1, 0];
  return [...parts, ...parts.map((p) => ({ ...p, place: compose(flip, p.place) }))];
}

/** `count` copies around the y axis. */
export function around(count: number, ...parts: readonly Part[]): readonly Part[] {
  return Array.from({ length: count }, (_, i) => {
    const turn = i === 0 ? identity : turnAbout(1, (360 * i) / count);
    return parts.map((p) => ({ ...p, place: compose(turn, p.place) }));
  }).flat();
}

/** The parts moved, turned or scaled together. */
export function group(where: Placement, ...parts: readonly Part[]): readonly Part[] {
  const outer = placement(where);
  return parts.map((p) => ({ ...p, place: compose(outer, p.place) }));
}
